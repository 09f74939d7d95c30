"""boto3 clients of one embedded AWS, made without looking at the user's own settings."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.config import Config

_CONFIG = Config(retries={"total_max_attempts": 1}, read_timeout=120)


class Clients:
    """Clients for `environment`, which `clean_environment` made; one a service."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._made: dict[str, Any] = {}
        with instead_of_the_users(environment):
            self._session = boto3.Session()

    def __call__(self, service: str) -> Any:
        """The client of a service, as boto3 names it."""
        if service not in self._made:
            with instead_of_the_users(self._environment):
                self._made[service] = self._session.client(service, config=_CONFIG)
        return self._made[service]


@contextmanager
def instead_of_the_users(environment: Mapping[str, str]) -> Iterator[None]:
    """Give this process another environment as long as this lasts."""
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(environment)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
