"""The strategy: an exact sliding window over all instances, decided in one round trip."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import partial

from redis.exceptions import RedisError

from vibewell_redis import script
from vibewell_redis.asyncio.pool import FairConnectionPool, connection_pool
from vibewell_redis.asyncio.storage import DEADLINE, RedisStorage
from vibewell_redis.decision import Decision, Source, WindowStats
from vibewell_redis.fallback import Fallback, Fallbacks
from vibewell_redis.keys import PREFIX, trial
from vibewell_redis.limits import RateLimitItem
from vibewell_redis.plan import Plan, plan_of
from vibewell_redis.settings import Settings

_log = logging.getLogger("vibewell_redis")

# What is done for each decision is worth a name: a named tuple's own constructor is a function in
# Python and costs twice as much as the tuple's, and an enumeration's member is looked up anew.
_decision: Callable[[tuple[bool, tuple[WindowStats, ...], Source]], Decision]
_decision = partial(tuple.__new__, Decision)
_REDIS = Source.REDIS


class RateLimiter:
    """Decides for all tasks of one event loop; no decision waits longer than its deadline.

    Each tier's limit holds for each identifier in any window of its length, over every process
    that uses the same Redis and prefix. A decision over several is one: all of them count the
    request, or none does.
    """

    def __init__(
        self,
        tiers: Mapping[str, RateLimitItem],
        storage: RedisStorage | None,
        *,
        fallback: Fallback | Mapping[str, Fallback] = Fallback.LOCAL,
        instances: int = 1,
        prefix: str = PREFIX,
    ) -> None:
        """Without ``storage`` everything is admitted. ``fallback`` may be given tier by tier.

        Raises ValueError.
        """
        self.tiers = dict(tiers)
        self.storage = storage
        self._counts: Counter[tuple[str, str]] = Counter()
        self._fallbacks = Fallbacks(self.tiers, fallback, instances)
        self._prefix = prefix
        self._plans: dict[tuple[tuple[str, ...] | str, ...], Plan] = {}

    @classmethod
    def from_settings(
        cls,
        settings: Settings,
        *,
        fallback: Fallback | Mapping[str, Fallback] = Fallback.LOCAL,
        deadline: float = DEADLINE,
        prefix: str = PREFIX,
        pool: FairConnectionPool | None = None,
    ) -> RateLimiter:
        """A limiter on a pool that it shares, or on one of its own.

        ``deadline`` is in seconds. Raises ValueError.
        """
        storage = None
        if settings.enabled:
            storage = RedisStorage(
                connection_pool(settings) if pool is None else pool,
                trial_key=trial(prefix),
                deadline=deadline,
                owns_pool=pool is None,
            )
        else:
            _log.warning("REDIS_ENABLED is false: nothing is limited")
        return cls(
            settings.tiers,
            storage,
            fallback=fallback,
            instances=settings.instances,
            prefix=prefix,
        )

    @property
    def counts(self) -> Counter[tuple[str, str]]:
        """How often each (tier, outcome) has happened.

        Outcomes are allowed, denied, denied_from_memory, fallback_allowed, fallback_denied and
        disabled.
        """
        found = Counter(self._counts)
        for plan in self._plans.values():
            for name in plan.names:
                for outcome, number in zip(("denied", "allowed"), plan.outcomes, strict=True):
                    if number:
                        found[name, outcome] += number
        return found

    async def connect(self) -> bool:
        """Log in before the first request; False when Redis is away: the limiter works then too."""
        if self.storage is None:
            return False
        try:
            await self.storage.connect()
        except (RedisError, OSError) as problem:
            _log.warning("Redis is away: %s: %s", type(problem).__name__, problem)
            return False
        return True

    async def aclose(self) -> None:
        """Close its connections."""
        if self.storage is not None:
            await self.storage.aclose()

    async def hit(self, *tiers: str, **identifiers: str) -> Decision:
        """Whether a request may go on, which then counts: ``hit("auth", user="42", ip="…")``.

        The decision is over each tier for each identifier. Raises ValueError for a tier that is
        not there or an empty identifier, and nothing because of Redis.
        """
        plan = self._plans.get((tiers, *identifiers)) or self._plan(tiers, identifiers)
        storage = self.storage
        if storage is None:
            self._count(plan, "disabled")
            return Decision(True, (), Source.DISABLED)
        keys = plan.where(identifiers)
        now = time.monotonic()
        denials = storage.denials
        full = denials.find(keys, now) if denials.full else ()
        if not full:
            waiting = storage.decide(keys, plan.policies, len(keys))
            reply = None if waiting is None else await waiting
            if isinstance(reply, bytes):
                figures = plan.figures(reply)
                windows = plan.windows(figures)
                if 0 in figures:
                    denials.remember(keys, windows, now)
                allowed = figures[0] == 1
                plan.outcomes[allowed] += 1
                return _decision((allowed, windows, _REDIS))
            now = time.monotonic()
            full = reply or denials.find(keys, now)
        if full:
            self._count(plan, "denied_from_memory")
            return Decision(False, full, Source.MEMORY)
        allowed, windows = self._fallbacks.decide(plan, keys, now, asks=False)
        self._count(plan, "fallback_allowed" if allowed else "fallback_denied")
        return Decision(allowed, windows, Source.FALLBACK)

    async def test(self, *tiers: str, **identifiers: str) -> Decision:
        """What ``hit`` would say now; nothing counts."""
        plan = self._plan(tiers, identifiers)
        storage = self.storage
        if storage is None:
            return Decision(True, (), Source.DISABLED)
        keys = plan.where(identifiers)
        waiting = storage.decide(keys, plan.policies, script.shape(len(keys), asks=True))
        reply = None if waiting is None else await waiting
        if isinstance(reply, bytes):
            figures = plan.figures(reply)
            return Decision(figures[0] == 1, plan.windows(figures), Source.REDIS)
        allowed, windows = self._fallbacks.decide(plan, keys, time.monotonic(), asks=True)
        return Decision(allowed, windows, Source.FALLBACK)

    async def get_window_stats(self, *tiers: str, **identifiers: str) -> tuple[WindowStats, ...]:
        """How much of each limit is left, and when there is more; nothing counts."""
        return (await self.test(*tiers, **identifiers)).windows

    def _plan(self, names: tuple[str, ...], kinds: Iterable[str]) -> Plan:
        found = self._plans.get((names, *kinds))
        if found is None:
            found = plan_of(self.tiers, self._prefix, names, tuple(kinds))
            self._plans[(names, *kinds)] = found
        return found

    def _count(self, plan: Plan, outcome: str) -> None:
        for name in plan.names:
            self._counts[name, outcome] += 1
