"""What the connections of both kinds are made with."""

from __future__ import annotations

import ssl
from inspect import signature
from typing import Any

from redis.backoff import EqualJitterBackoff
from redis.exceptions import ReadOnlyError

from vibewell_redis.credentials import Token
from vibewell_redis.settings import Settings

# A failover is over within seconds: a longer wait between two attempts would only add to it.
BACKOFF_LEAST, BACKOFF_MOST = 0.01, 1.0  # seconds


def backoff() -> EqualJitterBackoff:
    """How long to wait between two attempts."""
    return EqualJitterBackoff(cap=BACKOFF_MOST, base=BACKOFF_LEAST)


def arguments(
    settings: Settings, token: Token | None, context: ssl.SSLContext, made: type
) -> dict[str, Any]:
    """Keyword arguments for a pool of such connections: the plan's timeout, as a ceiling.

    Raises ValueError for settings that have no Redis.
    """
    if settings.in_memory:
        raise ValueError("memory:// keeps no connections: only the limiter works without Redis")
    common: dict[str, Any] = {
        "host": settings.host,
        "port": settings.port,
        "max_connections": settings.pool_size,
        "socket_timeout": settings.timeout,
        "socket_connect_timeout": settings.timeout,
        # A demoted primary answers READONLY until the connection is made anew.
        "retry_on_error": [ReadOnlyError],
        "token": token,
        **_quiet(made),
    }
    return common | ({"context": context} if settings.tls else {})


def _quiet(made: type) -> dict[str, Any]:
    """What this version of redis-py would send additionally at each login, left out.

    CLIENT SETINFO is unknown to Redis 6.2, and ElastiCache sends no notifications of maintenance:
    two round trips less.
    """
    makers = (vars(each).get("__init__") for each in made.__mro__[:-1])
    known = {name for each in makers if each for name in signature(each).parameters}
    quiet: dict[str, Any] = {}
    if "driver_info" in known:
        quiet["driver_info"] = None
    else:
        quiet |= {"lib_name": None, "lib_version": None}
    if "maint_notifications_config" in known:
        # It came with redis-py 7.
        from redis.maint_notifications import MaintNotificationsConfig

        quiet["maint_notifications_config"] = MaintNotificationsConfig(enabled=False)
    return quiet
