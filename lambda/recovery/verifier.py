"""The function that logs in to the restored group: the only one that its security group admits."""

import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from redis.cluster import RedisCluster

from recovery.manifest import digest
from recovery.settings import SentinelsError
from shared.boto_config import client, no_debugging
from shared.group import Endpoint
from shared.login import talk
from shared.secret import Secret

Answer = TypeVar("Answer")
_NAMED = 3  # keys that a failure names


def handler(event: dict[str, Any], _context: object) -> dict[str, Any] | None:
    """Compare every sentinel with its digest; when that was done, and how many keys there are.

    ``{"warm": true}`` does nothing: Lambda removes the network of an idle function.
    Raises SentinelsError for one that is missing or altered, and what ``logged_in`` raises.
    """
    no_debugging()
    if event.get("warm") is True:
        return None
    sentinels = event["sentinels"]

    def verified(redis: Any) -> dict[str, Any]:
        verify(redis, sentinels)
        at = datetime.now(UTC).isoformat()
        return {"at": at, "sentinels": len(sentinels), "keys": count_keys(redis)}

    return logged_in(event["address"], event["port"], verified)


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
        f"{len(keys)} {what} ({', '.join(keys[:_NAMED])}{', …' if len(keys) > _NAMED else ''})"
        for what, keys in (("missing", missing), ("altered", altered))
        if keys
    ]
    if wrong:
        raise SentinelsError(f"of {len(sentinels)} sentinels {' and '.join(wrong)}")


def count_keys(redis: Any) -> int:
    """The keys of all shards: asked without more, a cluster's client counts those of one."""
    if isinstance(redis, RedisCluster):
        return int(redis.dbsize(target_nodes=RedisCluster.PRIMARIES))
    return int(redis.dbsize())


def logged_in(host: str, port: int, work: Callable[[Any], Answer]) -> Answer:
    """What ``work`` returns; in cluster mode its client finds the shard of each key.

    Raises what ``talk`` and ``ask`` raise.
    """
    secret = Secret(client("secretsmanager"), os.environ["SECRET_ARN"])
    token = secret.token(secret.versions().current)
    cluster = os.environ["CLUSTER_MODE"] == "true"
    return talk(Endpoint("primary", host, port), token, work, cluster=cluster)
