"""boto3's clients, with every wait bounded."""

import logging
from typing import Any

import boto3
from botocore.config import Config

_CALLS = Config(connect_timeout=3, read_timeout=10, retries={"total_max_attempts": 2})


def client(service: str) -> Any:
    """A client of one service."""
    return boto3.client(service, config=_CALLS)


def quiet() -> None:
    """At DEBUG botocore and urllib3 write requests and answers out, tokens among them."""
    for library in ("boto3", "botocore", "urllib3"):
        logging.getLogger(library).setLevel(logging.WARNING)
