"""What the connections of both kinds are made with."""

from __future__ import annotations

import ssl
from typing import Any

from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import ReadOnlyError
from redis.maint_notifications import MaintNotificationsConfig

from vibewell_redis.credentials import Token
from vibewell_redis.settings import Settings

# A failover is over within seconds: a longer wait between two attempts would only add to it.
BACKOFF_LEAST, BACKOFF_MOST = 0.01, 1.0  # seconds


def backoff() -> ExponentialWithJitterBackoff:
    """How long to wait between two attempts."""
    return ExponentialWithJitterBackoff(cap=BACKOFF_MOST, base=BACKOFF_LEAST)


def arguments(settings: Settings, token: Token | None, context: ssl.SSLContext) -> dict[str, Any]:
    """Keyword arguments for a pool: the plan's timeout and attempts, as ceilings."""
    common: dict[str, Any] = {
        "host": settings.host,
        "port": settings.port,
        "max_connections": settings.pool_size,
        "socket_timeout": settings.timeout,
        "socket_connect_timeout": settings.timeout,
        # A demoted primary answers READONLY until the connection is made anew.
        "retry_on_error": [ReadOnlyError],
        "token": token,
        # ElastiCache sends none, and CLIENT SETINFO is unknown to Redis 6.2: two round trips less.
        "maint_notifications_config": MaintNotificationsConfig(enabled=False),
        "driver_info": None,
    }
    return common | ({"context": context} if settings.tls else {})
