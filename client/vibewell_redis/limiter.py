"""The limiter for threads: the asynchronous one, in a thread of its own."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, TypeVar

from vibewell_redis import keys
from vibewell_redis.asyncio.limiter import RateLimiter as AsyncRateLimiter
from vibewell_redis.asyncio.storage import DEADLINE
from vibewell_redis.decision import Decision, WindowStats
from vibewell_redis.fallback import Fallback
from vibewell_redis.settings import Settings

T = TypeVar("T")

# Everything that is waited for has a deadline of its own: this only ends a wait that none ended.
_LONGEST = 60.0  # seconds


class RateLimiter:
    """Decides for all threads of a process, whose waiting decisions travel together.

    The verbs are those of ``vibewell_redis.asyncio.RateLimiter``, without await. A process that was
    forked gets connections of its own with its first decision.
    """

    def __init__(self, make: Callable[[], AsyncRateLimiter]) -> None:
        """``make`` is called in the limiter's own event loop."""
        self._make = make
        self._lock = threading.Lock()
        self._running: _Running | None = None
        os.register_at_fork(after_in_child=self._forget)

    @classmethod
    def from_settings(
        cls,
        settings: Settings,
        *,
        fallback: Fallback | Mapping[str, Fallback] = Fallback.LOCAL,
        deadline: float = DEADLINE,
        prefix: str = keys.PREFIX,
    ) -> RateLimiter:
        """A limiter with a pool of its own. ``deadline`` is in seconds. Raises ValueError."""

        def make() -> AsyncRateLimiter:
            return AsyncRateLimiter.from_settings(
                settings, fallback=fallback, deadline=deadline, prefix=prefix
            )

        return cls(make)

    @property
    def counts(self) -> Mapping[tuple[str, str], int]:
        """How often each (tier, outcome) has happened in this process."""
        return self._limiter().counts

    def connect(self) -> bool:
        """Log in before the first request; False when Redis is away: the limiter works then too."""
        return self._run(self._limiter().connect())

    def close(self) -> None:
        """Close its connections and end its thread."""
        with self._lock:
            running, self._running = self._running, None
        if running is not None:
            running.end()

    def hit(self, *tiers: str, **identifiers: str) -> Decision:
        """Whether a request may go on, which then counts: ``hit("auth", user="42", ip="…")``."""
        return self._run(self._limiter().hit(*tiers, **identifiers))

    def test(self, *tiers: str, **identifiers: str) -> Decision:
        """What ``hit`` would say now; nothing counts."""
        return self._run(self._limiter().test(*tiers, **identifiers))

    def get_window_stats(self, *tiers: str, **identifiers: str) -> tuple[WindowStats, ...]:
        """How much of each limit is left, and when there is more; nothing counts."""
        return self._run(self._limiter().get_window_stats(*tiers, **identifiers))
