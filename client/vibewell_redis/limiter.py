"""The limiter for threads: the asynchronous one, in a thread of its own."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Mapping

from vibewell_redis import keys
from vibewell_redis.asyncio.limiter import RateLimiter as AsyncRateLimiter
from vibewell_redis.asyncio.storage import DEADLINE
from vibewell_redis.decision import Decision, WindowStats
from vibewell_redis.fallback import Fallback
from vibewell_redis.loop_thread import LoopThread
from vibewell_redis.settings import Settings


class RateLimiter:
    """Decides for all threads of a process, whose waiting decisions travel together.

    The verbs are those of ``vibewell_redis.asyncio.RateLimiter``, without await. A process that was
    forked gets connections of its own with its first decision.
    """

    def __init__(self, make: Callable[[], AsyncRateLimiter]) -> None:
        """``make`` is called in the event loop of the limiter's own thread."""
        self._make = make
        self._lock = threading.Lock()
        self._running: tuple[LoopThread, AsyncRateLimiter] | None = None
        forget = weakref.WeakMethod(self._forget)
        os.register_at_fork(after_in_child=lambda: (method := forget()) and method())

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
        return self._started()[1].counts

    def connect(self) -> bool:
        """Log in before the first request; False when Redis is away: the limiter works then too."""
        thread, limiter = self._started()
        return thread.run(limiter.connect())

    def close(self) -> None:
        """Close its connections and end its thread; the next decision starts it anew."""
        with self._lock:
            started, self._running = self._running, None
        if started is not None:
            thread, limiter = started
            thread.run(limiter.aclose())
            thread.stop()

    def hit(self, *tiers: str, **identifiers: str) -> Decision:
        """Whether a request may go on, which then counts: ``hit("auth", user="42", ip="…")``."""
        thread, limiter = self._started()
        return thread.run(limiter.hit(*tiers, **identifiers))

    def test(self, *tiers: str, **identifiers: str) -> Decision:
        """What ``hit`` would say now; nothing counts."""
        thread, limiter = self._started()
        return thread.run(limiter.test(*tiers, **identifiers))

    def get_window_stats(self, *tiers: str, **identifiers: str) -> tuple[WindowStats, ...]:
        """How much of each limit is left, and when there is more; nothing counts."""
        thread, limiter = self._started()
        return thread.run(limiter.get_window_stats(*tiers, **identifiers))

    def _started(self) -> tuple[LoopThread, AsyncRateLimiter]:
        if self._running is None:
            with self._lock:
                if self._running is None:
                    thread = LoopThread()
                    self._running = (thread, thread.run(self._make_there()))
                return self._running
        return self._running

    async def _make_there(self) -> AsyncRateLimiter:
        return self._make()

    def _forget(self) -> None:
        # The thread of the process that forked is not in the new one.
        self._lock = threading.Lock()
        self._running = None
