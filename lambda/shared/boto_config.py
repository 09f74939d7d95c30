"""How functions call AWS: in seconds, and without writing requests into their logs."""

import logging
from functools import cache
from typing import Any

import boto3
from botocore.config import Config

CALLS = Config(connect_timeout=3, read_timeout=10, retries={"total_max_attempts": 2})


@cache
def client(service: str, *, once: int | None = None) -> Any:
    """The client of one service, one per container.

    ``once`` is how many seconds a call may take that is not to be made again.
    """
    single = Config(connect_timeout=3, read_timeout=once, retries={"total_max_attempts": 1})
    return boto3.client(service, config=single if once else CALLS)


def no_debugging() -> None:
    """At DEBUG botocore and urllib3 write requests and answers out, tokens among them."""
    for library in ("boto3", "botocore", "urllib3"):
        logging.getLogger(library).setLevel(logging.WARNING)
