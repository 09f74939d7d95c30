"""The strategy: an exact sliding window over all instances, decided in one round trip."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Self

from redis.exceptions import RedisError

from vibewell_redis import script
from vibewell_redis.asyncio.pool import FairConnectionPool, connection_pool_of
from vibewell_redis.asyncio.storage import Answer, MemoryStorage, RedisStorage
from vibewell_redis.deciding import DEADLINE, LONGEST_START, Deciding, checked_deadline, log
from vibewell_redis.decision import Decision, WindowStats
from vibewell_redis.fallback import Fallback, Policies
from vibewell_redis.keys import PREFIX, Plan, trial
from vibewell_redis.limits import RateLimitItem
from vibewell_redis.memory import windows_named
from vibewell_redis.settings import Settings

Storage = RedisStorage | MemoryStorage
_ASKS_ONE = script.shape(1, asks=True)


class RateLimiter(Deciding):
    """Decides for all tasks of one event loop; no decision waits longer than its deadline.

    Each tier's limit holds for each identifier in any window of its length, over every process
    that uses the same Redis and prefix. A decision over several is one: all of them count the
    request, or none does.
    """

    def __init__(
        self,
        tiers: Mapping[str, RateLimitItem],
        storage: Storage | Callable[[], Storage] | None,
        *,
        fallback: Policies = Fallback.LOCAL,
        instances: int = 1,
        prefix: str = PREFIX,
    ) -> None:
        """Without ``storage`` everything is admitted. ``fallback`` may be given tier by tier.

        A function makes the storage of each event loop, in it. Raises ValueError.
        """
        super().__init__(tiers, fallback=fallback, instances=instances, prefix=prefix)
        self._make = storage if callable(storage) else None
        self._storage = None if callable(storage) else storage
        self._storages: dict[asyncio.AbstractEventLoop, Storage] = {}  # those that it has made
        self._total: Counter[str] = Counter()  # of all of them

    @classmethod
    def from_settings(
        cls,
        settings: Settings,
        *,
        fallback: Policies = Fallback.LOCAL,
        deadline: float = DEADLINE,
        prefix: str = PREFIX,
        pool: FairConnectionPool | None = None,
    ) -> RateLimiter:
        """A limiter on a pool that it shares, or on one of its own in each event loop.

        ``deadline`` is in seconds. Raises ValueError.
        """
        make: Callable[[], Storage] | None = None
        seconds, trial_key = checked_deadline(deadline), trial(prefix)
        if not settings.enabled:
            log.warning("REDIS_ENABLED is false: nothing is limited")
        elif settings.in_memory:
            if pool is not None:
                raise ValueError("memory:// keeps no connections: give no pool with these settings")

            def make() -> Storage:
                return MemoryStorage(windows_named(settings.host))

        else:
            # Mistakes show here, and not with the first request.
            made = connection_pool_of(settings)

            def make() -> Storage:
                own = pool is None
                found = made() if pool is None else pool
                return RedisStorage(found, trial_key=trial_key, deadline=seconds, owns_pool=own)

        return cls(
            settings.tiers, make, fallback=fallback, instances=settings.instances, prefix=prefix
        )

    @property
    def storage(self) -> Storage | None:
        """What decides in the event loop that decided last; it may be read from any thread."""
        if self._storage is None:
            with suppress(RuntimeError):
                return self._here()
        return self._storage

    def _here(self) -> Storage | None:
        storage = self._storage
        if storage is None and self._make is None:
            return None
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            raise RuntimeError(
                "vibewell_redis.asyncio needs a running asyncio event loop: in a thread, or under "
                "trio, use vibewell_redis.RateLimiter"
            ) from None
        if storage is None or storage.loop is not loop:
            storage = self._storage = self._storages.get(loop) or self._made_in(loop)
        return storage

    def _made_in(self, loop: asyncio.AbstractEventLoop) -> Storage:
        if self._make is None or (self._storage is not None and not self._storage.owns_pool):
            raise RuntimeError(
                "the limiter's pool belongs to another event loop: make a pool and a limiter in it"
            )
        self.abandon_closed()
        storage = self._storages[loop] = self._make()
        storage.counts = self._total
        return storage

    def abandon_closed(self) -> None:
        """Close the connections of event loops that are closed; one that runs is left alone."""
        for loop in list(self._storages):
            if loop.is_closed() and (left := self._storages.pop(loop, None)) is not None:
                left.abandon()

    async def connect(self) -> bool:
        """Log in before the first request; False when Redis is away: the limiter works then too.

        It takes five seconds at most.
        """
        storage = self._here()
        if storage is None:
            return False
        try:
            async with asyncio.timeout(LONGEST_START):
                await storage.connect()
        except (RedisError, OSError) as problem:  # a TimeoutError is an OSError
            log.warning("Redis is away: %s: %s", type(problem).__name__, problem)
            return False
        return True

    async def aclose(self) -> None:
        """Close its connections in this event loop; the next decision opens new ones."""
        loop = asyncio.get_running_loop()
        storage = self._here() if self._make is None else self._storages.get(loop)
        if storage is not None:
            await storage.aclose()

    async def hit(self, *tiers: str, **identifiers: str) -> Decision:
        """Whether a request may go on, which then counts: ``hit("auth", user="42", ip="…")``.

        The decision is over each tier for each identifier. Raises ValueError for a tier that is
        not there or an empty identifier, and nothing because of Redis.
        """
        plan = self._plans.get((tiers, *identifiers)) or self._plan(tiers, identifiers)
        storage = self._here()
        if storage is None:
            return self._disabled(plan)
        keys = plan.where(identifiers)
        now = time.monotonic()
        denials = storage.denials
        reply: Answer = denials.find(keys, now) if denials.full else ()
        if reply and denials.will_ask(now):
            reply = await self._recheck(storage, plan, keys, now)
        elif not reply:
            waiting = storage.decide(keys, plan.policies, len(keys))
            reply = None if waiting is None else await waiting
        if isinstance(reply, bytes):
            return self._redis_decides(plan, keys, reply, denials, now)
        full = reply or denials.find(keys, time.monotonic())
        return self._memory_decides(plan, full) if full else self._fallback_decides(plan, keys)

    async def _recheck(self, storage: Storage, plan: Plan, keys: list[bytes], now: float) -> Answer:
        """Ask whether anything was cleared, then decide if so: one deadline for both."""
        denials = storage.denials
        with suppress(TimeoutError):
            async with asyncio.timeout(storage.deadline):
                denials.learn(await storage.answer(self._cleared, script.CLEARED, _ASKS_ONE), now)
                if full := denials.find(keys, now):
                    return full
                return await storage.answer(keys, plan.policies, len(keys))
        return None

    async def clear(self, *tiers: str, **identifiers: str) -> bool:
        """Give back what these have used: ``clear("auth", user="42")``; False if Redis did not.

        Other processes, which deny from memory, know of it within a second.
        """
        return await self._clear(self._here(), tiers, identifiers)

    async def __aenter__(self) -> Self:
        """Logged in, if Redis answers."""
        await self.connect()
        return self

    async def __aexit__(self, *problem: object) -> None:
        """Close its connections."""
        await self.aclose()

    async def test(self, *tiers: str, **identifiers: str) -> Decision:
        """What ``hit`` would say now; nothing counts."""
        return await self._test(self._here(), tiers, identifiers)

    async def get_window_stats(self, *tiers: str, **identifiers: str) -> tuple[WindowStats, ...]:
        """How much of each limit is left, and when there is more; nothing counts."""
        return (await self.test(*tiers, **identifiers)).windows
