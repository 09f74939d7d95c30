"""pyrate-limiter 4.5 with RedisBucket and its default algorithm, the sliding window log.

One limiter routes to a bucket a key, as its "custom routing" section has it. try_acquire is used
and not try_acquire_async, which lets one task of the loop at a time wait for Redis. Its periodic
leak is left out, which spares it work: within one measurement no entry is old enough to leak.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from pyrate_limiter import BucketFactory, Limiter, Rate, RateItem, RedisBucket

from benchmarks.limiter.measured.access import Access
from benchmarks.limiter.measured.candidates.shared import OnRedis


class _Buckets(BucketFactory):  # type: ignore[misc] # untyped where only the checks run
    """A bucket a key, kept."""

    def __init__(self, template: RedisBucket) -> None:
        self._template = template
        self._buckets: dict[str, RedisBucket] = {}

    def wrap_item(self, name: str, weight: int = 1) -> RateItem:
        """The item with the client's time, as every RedisBucket has it."""
        return RateItem(name, time.time_ns() // 1_000_000, weight=weight)

    def get(self, item: RateItem) -> RedisBucket:
        """The key's bucket."""
        found = self._buckets.get(item.name)
        if found is None:
            like = self._template
            found = RedisBucket(like.rates, like.redis, item.name, like.script_hash)
            self._buckets[item.name] = found
        return found


class Pyrate(OnRedis):
    """An exact log in a sorted set, on the clients' clocks."""

    strategy = "RedisBucket, SlidingWindowLog"

    async def connect(self) -> None:
        """Open all connections and load the script."""
        await super().connect()
        rate = Rate(self.access.requests, self.access.seconds * 1000)
        self._factory = _Buckets(await RedisBucket.init([rate], self.client, "pyrate:warm"))
        self._limiter = Limiter(self._factory)

    async def one(self, user: str, ip: str) -> bool:  # noqa: ARG002 - the load's signature
        """One try."""
        return bool(await self._limiter.try_acquire(f"user:{user}", blocking=False))

    async def both(self, user: str, ip: str) -> bool:
        """Two tries, the second only if the first is admitted."""
        acquire = self._limiter.try_acquire
        if not await acquire(f"user:{user}", blocking=False):
            return False
        return bool(await acquire(f"ip:{ip}", blocking=False))

    async def headers(self, user: str, ip: str) -> Sequence[tuple[int, float]] | None:
        """Two tries; then of each how many it holds, and the oldest of them."""
        if not await self.both(user, ip):
            return None
        return [await self._told(f"user:{user}"), await self._told(f"ip:{ip}")]

    async def _told(self, key: str) -> tuple[int, float]:
        bucket = self._factory.get(RateItem(key, 0))
        now = time.time_ns() // 1_000_000
        await bucket.leak(now)
        held = await bucket.count()
        oldest = await bucket.peek(held - 1)
        reset = 0 if oldest is None else oldest.timestamp + self.access.seconds * 1000 - now
        return self.access.requests - held, reset / 1000


def make(access: Access) -> Pyrate:
    """The candidate."""
    return Pyrate(access)
