"""The same limiters for threads: each library's synchronous form over one pool of redis-py's."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import redis
from limits import RateLimitItemPerSecond
from limits.storage import RedisStorage
from limits.strategies import MovingWindowRateLimiter, SlidingWindowCounterRateLimiter
from throttled import RateLimiterType, RedisStore, Throttled, per_duration

from benchmarks.limiter.measured.access import POOL_SIZE, Access
from benchmarks.limiter.measured.candidates.ours import TIER, count_unmeasured, settings_of
from vibewell_redis import RateLimiter


class Threaded:
    """`one` and `both` are called by threads; `hit` says whether a key's request is admitted."""

    strategy = "threads"
    hit: Any

    def one(self, user: str, ip: str) -> bool:  # noqa: ARG002 - the load's signature
        """One limit."""
        return bool(self.hit(f"user:{user}"))

    def both(self, user: str, ip: str) -> bool:
        """Two limits, the second only if the first admits."""
        return bool(self.hit(f"user:{user}") and self.hit(f"ip:{ip}"))

    async def connect(self) -> None:
        """Decide once; other connections are opened before the measurement, by its warming up."""
        self.one("warm", "warm")

    def unmeasured(self) -> int:
        """None: it answers from Redis or raises."""
        return 0


class Ours(Threaded):
    """Both limits are one decision."""

    def __init__(self, access: Access) -> None:
        self._limiter = RateLimiter.from_settings(settings_of(access))

    async def connect(self) -> None:
        """Log in. Raises ConnectionError if it cannot."""
        if not self._limiter.connect():
            raise ConnectionError("the limiter cannot reach Redis")

    def one(self, user: str, ip: str) -> bool:  # noqa: ARG002 - the load's signature
        """One hit over the user."""
        return bool(self._limiter.hit(TIER, user=user))

    def both(self, user: str, ip: str) -> bool:
        """One hit over both."""
        return bool(self._limiter.hit(TIER, user=user, ip=ip))

    def unmeasured(self) -> int:
        """Answers that were given without Redis."""
        return count_unmeasured(self._limiter.counts)


def make(access: Access, which: str) -> Threaded:
    """The candidate."""
    if which == "ours":
        return Ours(access)
    made = Threaded()
    if which == "throttled-py":
        made.hit = _throttled(access)
        return made
    # A thread may always have a connection: no library here is measured waiting for the pool.
    client = redis.Redis(
        host=access.host,
        port=access.port,
        password=access.token,
        ssl=True,
        ssl_ca_certs=access.ca_file,
        max_connections=4 * POOL_SIZE,
    )
    kinds = {"moving": MovingWindowRateLimiter, "counter": SlidingWindowCounterRateLimiter}
    storage = RedisStorage(access.url, connection_pool=client.connection_pool)
    strategy = kinds[which.split()[1]](storage)
    item = RateLimitItemPerSecond(access.requests, access.seconds)
    made.hit = lambda key: strategy.hit(item, key)
    return made


def _throttled(access: Access) -> Any:
    store = RedisStore(
        server=access.url,
        options={
            "CONNECTION_POOL_KWARGS": {"ssl_ca_certs": access.ca_file},
            "PASSWORD": access.token,
        },
    )
    limit = Throttled(
        using=RateLimiterType.SLIDING_WINDOW.value,
        quota=per_duration(timedelta(seconds=access.seconds), access.requests),
        store=store,
    ).limit
    return lambda key: not limit(key).limited
