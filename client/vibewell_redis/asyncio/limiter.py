"""The strategy: an exact sliding window over all instances, decided in one round trip."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Mapping

from redis.exceptions import RedisError

from vibewell_redis import keys, script
from vibewell_redis.asyncio.pool import connection_pool
from vibewell_redis.asyncio.storage import DEADLINE, RedisStorage
from vibewell_redis.decision import Decision, Source, WindowStats
from vibewell_redis.fallback import Fallback, Fallbacks
from vibewell_redis.limits import RateLimitItem
from vibewell_redis.plan import Plan, plan
from vibewell_redis.settings import Settings

_log = logging.getLogger("vibewell_redis")


class RateLimiter:
    """Decides for all tasks of one event loop; no decision waits longer than its deadline.

    Each tier's limit holds for each identifier in any window of its length, over every process
    that uses the same Redis and prefix. A decision over several is one: all of them count the
    request, or none does.

    ``counts`` says how often each (tier, outcome) has happened; the outcomes are allowed, denied,
    denied_from_memory, fallback_allowed, fallback_denied and disabled.
    """

    def __init__(
        self,
        tiers: Mapping[str, RateLimitItem],
        storage: RedisStorage | None,
        *,
        fallback: Fallback | Mapping[str, Fallback] = Fallback.LOCAL,
        instances: int = 1,
        prefix: str = keys.PREFIX,
    ) -> None:
        """Without ``storage`` everything is admitted. ``fallback`` may be given tier by tier.

        Raises ValueError.
        """
        self.tiers = dict(tiers)
        self.storage = storage
        self.counts: Counter[tuple[str, str]] = Counter()
        self._fallbacks = Fallbacks(self.tiers, fallback, instances)
        self._prefix = prefix
        self._plans: dict[tuple[tuple[str, ...], tuple[str, ...]], Plan] = {}
        self._now = asyncio.get_running_loop().time

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
        storage = None
        if settings.enabled:
            pool = connection_pool(settings)
            storage = RedisStorage(pool, trial_key=keys.trial(prefix), deadline=deadline)
        else:
            _log.warning("REDIS_ENABLED is false: nothing is limited")
        return cls(
            settings.tiers,
            storage,
            fallback=fallback,
            instances=settings.instances,
            prefix=prefix,
        )

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
        return await self._decide(tiers, identifiers, asks=False)

    async def test(self, *tiers: str, **identifiers: str) -> Decision:
        """What ``hit`` would say now; nothing counts."""
        return await self._decide(tiers, identifiers, asks=True)

    async def get_window_stats(self, *tiers: str, **identifiers: str) -> tuple[WindowStats, ...]:
        """How much of each limit is left, and when there is more; nothing counts."""
        return (await self._decide(tiers, identifiers, asks=True)).windows

    async def _decide(
        self, names: tuple[str, ...], identifiers: dict[str, str], *, asks: bool
    ) -> Decision:
        kinds = tuple(identifiers)
        known = self._plans.get((names, kinds))
        if known is None:
            known = self._plans[(names, kinds)] = plan(self.tiers, self._prefix, names, kinds)
        tails = [keys.tail(value) for value in identifiers.values()]
        if len(names) > 1:
            tails *= len(names)
        where = [stem + tail for stem, tail in zip(known.stems, tails, strict=True)]

        storage = self.storage
        if storage is None:
            self._count(known, "disabled", asks=asks)
            return Decision(True, (), Source.DISABLED)
        full = storage.denials.find(where, self._now())
        if not full:
            waiting = storage.decide(where, known.policies, script.shape(len(where), asks=asks))
            reply = None if waiting is None else await waiting
            if reply is not None:
                return self._told(known, where, reply, asks=asks, storage=storage)
            full = storage.denials.find(where, self._now())
        if full:
            self._count(known, "denied_from_memory", asks=asks)
            return Decision(False, full, Source.MEMORY)
        return self._without_redis(known, where, asks=asks)

    def _told(
        self, known: Plan, where: list[bytes], reply: bytes, *, asks: bool, storage: RedisStorage
    ) -> Decision:
        allowed, *figures = script.reply_of(len(where)).unpack(reply)
        windows = tuple(
            [
                WindowStats(item, kind, remaining, milliseconds / 1000)
                for item, kind, remaining, milliseconds in zip(
                    known.items, known.kinds, figures[::2], figures[1::2], strict=True
                )
            ]
        )
        if 0 in figures[::2]:
            now = self._now()
            for key, window in zip(where, windows, strict=True):
                if not window.remaining:
                    storage.denials.remember(key, now + window.reset_after, window)
        self._count(known, "allowed" if allowed else "denied", asks=asks)
        return Decision(bool(allowed), windows, Source.REDIS)

    def _without_redis(self, known: Plan, where: list[bytes], *, asks: bool) -> Decision:
        allowed, windows = self._fallbacks.decide(known, where, self._now(), asks=asks)
        self._count(known, "fallback_allowed" if allowed else "fallback_denied", asks=asks)
        return Decision(allowed, windows, Source.FALLBACK)

    def _count(self, known: Plan, outcome: str, *, asks: bool) -> None:
        if not asks:
            for name in known.names:
                self.counts[name, outcome] += 1
