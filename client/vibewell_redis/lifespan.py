"""A limiter's life beside an ASGI application's: made and connected before it, closed after it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from redis.exceptions import RedisError

from vibewell_redis.decision import Decision

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]

_log = logging.getLogger("vibewell_redis")

# Redis may be away when an application starts or ends: neither waits longer for it (seconds).
_LONGEST = 5.0
_ENDS = frozenset(
    ("lifespan.startup.failed", "lifespan.shutdown.complete", "lifespan.shutdown.failed")
)


class Limiter(Protocol):
    """What decides: ``vibewell_redis.asyncio.RateLimiter``."""

    async def hit(self, *tiers: str, **identifiers: str) -> Decision:
        """One decision over tiers and identifiers."""

    async def connect(self) -> object:
        """Open connections."""

    async def aclose(self) -> object:
        """Close them."""


class Life:
    """Holds the limiter, which ``make`` makes when the application starts, in each event loop."""

    def __init__(self, make: Callable[[], Limiter]) -> None:
        self._make = make
        self._limiter: Limiter | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._start: asyncio.Task[None] | None = None

    async def limiter(self) -> Limiter:
        """The limiter, which has had its time to connect.

        Where the server knows no lifespan the first requests wait for that, as they would for the
        application's start.
        """
        limiter = self.now()
        if self._start is not None:
            await asyncio.shield(self._start)
            self._start = None
        return limiter

    def now(self) -> Limiter:
        """The limiter, which may still be connecting."""
        loop = asyncio.get_running_loop()
        if self._limiter is None or self._loop is not loop:
            self._limiter, self._loop = self._make(), loop
            self._start = loop.create_task(_best_effort("connect", self._limiter.connect()))
        return self._limiter

    def beside(self, receive: Receive, send: Send) -> tuple[Receive, Send]:
        """The application's two channels of the lifespan protocol; it notices nothing.

        A Redis that cannot be reached prevents neither start nor end. What ``make`` raises does
        prevent the start: it is a mistake in the settings.
        """

        async def receive_after_connecting() -> Any:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await self.limiter()
            return message

        async def send_after_closing(message: Any) -> None:
            if message["type"] in _ENDS and self._limiter is not None:
                limiter, self._limiter = self._limiter, None
                await _best_effort("close its connections", limiter.aclose())
            await send(message)

        return receive_after_connecting, send_after_closing


async def _best_effort(what: str, work: Awaitable[object]) -> None:
    try:
        async with asyncio.timeout(_LONGEST):
            await work
    except (RedisError, OSError) as problem:  # a TimeoutError is an OSError
        _log.warning("the rate limiter could not %s: %s", what, type(problem).__name__)
