"""The limiter for threads, without an event loop."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from typing import Self

from vibewell_redis import keys, script
from vibewell_redis.deciding import DEADLINE, Deciding, at_once, checked_deadline, log
from vibewell_redis.decision import Decision, WindowStats
from vibewell_redis.fallback import Fallback, Policies
from vibewell_redis.limits import RateLimitItem
from vibewell_redis.memory import MemoryStorage, windows_named
from vibewell_redis.pool import connecting_to
from vibewell_redis.settings import Settings
from vibewell_redis.storage import ThreadStorage

Storage = ThreadStorage | MemoryStorage
_ASKS_ONE = script.shape(1, asks=True)


class RateLimiter(Deciding):
    """Decides for all threads of a process, whose waiting decisions travel together.

    The verbs are those of ``vibewell_redis.asyncio.RateLimiter``, without await; no decision waits
    longer than its deadline. A process that was forked gets connections of its own with its first
    decision. It keeps one connection, and no thread while nothing is to be connected.
    """

    def __init__(
        self,
        tiers: Mapping[str, RateLimitItem],
        make_storage: Callable[[], Storage] | None,
        *,
        fallback: Policies = Fallback.LOCAL,
        instances: int = 1,
        prefix: str = keys.PREFIX,
    ) -> None:
        """``make_storage`` is called once a process. Without it everything is admitted.

        Raises ValueError.
        """
        super().__init__(tiers, fallback=fallback, instances=instances, prefix=prefix)
        self._make_storage = make_storage
        self._storages: dict[int, Storage | None] = {}
        self._total: Counter[str] = Counter()  # of all storages of this process
        self._pid = 0
        self.storage: Storage | None = None
        self._begin()

    @classmethod
    def from_settings(
        cls,
        settings: Settings,
        *,
        fallback: Policies = Fallback.LOCAL,
        deadline: float = DEADLINE,
        prefix: str = keys.PREFIX,
    ) -> RateLimiter:
        """A limiter with connections of its own. ``deadline`` is in seconds. Raises ValueError."""
        make: Callable[[], Storage] | None = None
        checked_deadline(deadline)
        if not settings.enabled:
            log.warning("REDIS_ENABLED is false: nothing is limited")
        elif settings.in_memory:

            def make() -> Storage:
                return MemoryStorage(windows_named(settings.host))

        else:
            make = partial(
                ThreadStorage,
                connecting_to(settings),
                (settings.host, settings.port),
                trial_key=keys.trial(prefix),
                deadline=deadline,
            )
        return cls(
            settings.tiers, make, fallback=fallback, instances=settings.instances, prefix=prefix
        )

    @property
    def counts(self) -> Counter[tuple[str, str]]:
        """How often each (tier, outcome) has happened in this process; any thread may read it."""
        self._here()
        return super().counts

    def connect(self) -> bool:
        """Log in before the first request; False when Redis is away: the limiter works then too.

        It takes five seconds at most. A process that is to decide at once calls it where it
        starts: only here does no decision wait for a token that must be fetched.
        """
        storage = self._here()
        return storage is not None and storage.connect()

    def close(self) -> None:
        """Close its connections; the next decision opens new ones."""
        storage = self._here()
        if storage is not None:
            self._storages.clear()
            self._pid = -abs(self._pid)  # still this process': one that is forked now begins again
            storage.close()

    def hit(self, *tiers: str, **identifiers: str) -> Decision:
        """Whether a request may go on, which then counts: ``hit("auth", user="42", ip="…")``.

        The decision is over each tier for each identifier. Raises ValueError for a tier that is
        not there or an empty identifier, and nothing because of Redis.
        """
        storage = self._here()
        plan = self._plans.get((tiers, *identifiers)) or self._plan(tiers, identifiers)
        if storage is None:
            return self._disabled(plan)
        keys = plan.where(identifiers)
        now = time.monotonic()
        denials = storage.denials
        if denials.full and denials.find(keys, now) and denials.will_ask(now):
            answer = storage.decide(self._cleared, script.CLEARED, _ASKS_ONE, now)
            denials.learn(answer, now)
        reply = (denials.full and denials.find(keys, now)) or storage.decide(
            keys, plan.policies, len(keys), now
        )
        if isinstance(reply, bytes):
            return self._redis_decides(plan, keys, reply, denials, now)
        if full := reply or denials.find(keys, time.monotonic()):
            return self._memory_decides(plan, full)
        return self._fallback_decides(plan, keys)

    def clear(self, *tiers: str, **identifiers: str) -> bool:
        """Give back what these have used: ``clear("auth", user="42")``; False if Redis did not.

        Other processes, which deny from memory, know of it within a second.
        """
        return at_once(self._clear(self._here(), tiers, identifiers))

    def __enter__(self) -> Self:
        """Logged in, if Redis answers."""
        self.connect()
        return self

    def __exit__(self, *problem: object) -> None:
        """Close its connections."""
        self.close()

    def test(self, *tiers: str, **identifiers: str) -> Decision:
        """What ``hit`` would say now; nothing counts."""
        return at_once(self._test(self._here(), tiers, identifiers))

    def get_window_stats(self, *tiers: str, **identifiers: str) -> tuple[WindowStats, ...]:
        """How much of each limit is left, and when there is more; nothing counts."""
        return self.test(*tiers, **identifiers).windows

    def _here(self) -> Storage | None:
        """The storage of this process, compared before any lock: a fork may have left one held."""
        return self.storage if self._pid == os.getpid() else self._begin()

    def _begin(self) -> Storage | None:
        pid, before = os.getpid(), abs(self._pid)
        # The first of several threads wins, without a lock.
        storage = self._storages.get(pid) or self._storages.setdefault(
            pid, None if self._make_storage is None else self._make_storage()
        )
        if before and before != pid:
            self._plans, self._counts, self._total = {}, Counter(), Counter()
            if (old := self._storages.pop(before, None)) is not None:
                old.abandon()
        if storage is not None:
            storage.counts = self._total
        self.storage, self._pid = storage, pid
        return storage
