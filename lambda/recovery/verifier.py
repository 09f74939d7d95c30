"""The function that logs in to the restored group: the only one that its security group admits."""

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

from recovery.clients import client, quiet
from recovery.connection import connected, count_keys
from recovery.errors import SentinelsError
from recovery.manifest import digest
from recovery.token import current_token

_TOLD = 3  # keys that a failure names


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Compare every sentinel with its digest; when that was done, and how many keys there are.

    Raises SentinelsError for one that is missing or altered, and what ``connected`` and
    ``current_token`` raise.
    """
    quiet()
    token = current_token(_secrets(), os.environ["SECRET_ARN"])
    cluster = os.environ["CLUSTER_MODE"] == "true"
    with connected(event["address"], event["port"], token, cluster=cluster) as redis:
        verify(redis, event["sentinels"])
        at = datetime.now(UTC)
        return {
            "at": at.isoformat(),
            "sentinels": len(event["sentinels"]),
            "keys": count_keys(redis),
        }


def verify(redis: Any, sentinels: Mapping[str, str]) -> None:
    """Raises SentinelsError, which says how many are missing and altered and names some."""
    values = {key: redis.get(key) for key in sentinels}
    missing = [key for key, value in values.items() if value is None]
    altered = [
        key
        for key, value in values.items()
        if value is not None and digest(value) != sentinels[key]
    ]
    wrong = [
        f"{len(keys)} {what} ({', '.join(keys[:_TOLD])}{', …' if len(keys) > _TOLD else ''})"
        for what, keys in (("missing", missing), ("altered", altered))
        if keys
    ]
    if wrong:
        raise SentinelsError(f"of {len(sentinels)} sentinels {' and '.join(wrong)}")


@cache
def _secrets() -> Any:
    return client("secretsmanager")
