"""Clients of the embedded AWS, for the parts of it that we add: they use its public API."""

import os
from functools import cache
from typing import Any

import botocore.session
from botocore.config import Config


@cache
def client(service: str) -> Any:
    """The botocore client of a service; address, account and Region come from the environment."""
    return botocore.session.get_session().create_client(
        service,
        endpoint_url=os.environ["AWS_ENDPOINT_URL"],
        config=Config(retries={"total_max_attempts": 1}, read_timeout=300),
    )


def first(service: str, operation: str, **named: Any) -> dict[str, Any]:
    """The first entry of the list that a description answers. Raises IndexError without one."""
    answer: dict[str, Any] = getattr(client(service), operation)(**named)
    entry: dict[str, Any] = next(value for value in answer.values() if isinstance(value, list))[0]
    return entry
