"""Applications that are broken on purpose, as `python -m rehearsal.load.serve` takes them."""

from __future__ import annotations

import asyncio
import os
from typing import Any

from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.routing import Route

from example.app import TIERS, answer, create, demonstration_user, trusted_proxies
from vibewell_redis.asgi import RateLimitMiddleware
from vibewell_redis.asyncio import connection_pool
from vibewell_redis.client_address import ClientAddress
from vibewell_redis.decision import Decision, Source, WindowStats
from vibewell_redis.paths import tiers_by_path
from vibewell_redis.settings import Settings

_SLOW = 0.06  # seconds


class FixedWindow:
    """INCR and EXPIRE, as most write it first."""

    def __init__(self, settings: Settings) -> None:
        self._tiers = settings.tiers
        self._redis = Redis.from_pool(connection_pool(settings))

    async def connect(self) -> None:
        await self._redis.ping()

    async def aclose(self) -> None:
        await self._redis.aclose()

    async def hit(self, *tiers: str, **identifiers: str) -> Decision:
        windows = []
        for tier in tiers:
            for kind, value in identifiers.items():
                item, key = self._tiers[tier], f"fixed:{tier}:{kind}:{value}"
                many = await self._redis.incr(key)
                if many == 1:
                    await self._redis.expire(key, item.seconds)
                # One more than is left: none is left only to who is denied.
                left = max(0, item.requests - many + 1)
                windows.append(WindowStats(item, kind, left, 1.0))
        return Decision(all(one.remaining for one in windows), tuple(windows), Source.REDIS)


def fixed_window() -> Any:
    """The limiter replaced by a counter."""
    settings = Settings.from_environment()
    return RateLimitMiddleware(
        Starlette(routes=[Route(path, answer) for path in TIERS]),
        limiter=lambda: FixedWindow(settings),
        tiers=tiers_by_path(TIERS),
        user=demonstration_user,
        address=ClientAddress(trusted_proxies(os.environ)),
    )


def unlimited() -> Any:
    """The limiter switched off."""
    os.environ["REDIS_ENABLED"] = "false"
    return create()


def slow_and_unkind() -> Any:
    """The example, but each answer comes late, and closes its connection."""
    app = create()

    async def late(scope: Any, receive: Any, send: Any) -> None:
        async def closing(message: Any) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], (b"connection", b"close")]}
            await send(message)

        if scope["type"] == "http":
            await asyncio.sleep(_SLOW)
        await app(scope, receive, closing if scope["type"] == "http" else send)

    return late


def mistaken() -> Any:
    """What an application does that refuses its settings."""
    raise ValueError("a mistake in the settings")
