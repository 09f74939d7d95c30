"""limits 5.8 over redis.asyncio: `implementation="redispy"`, its storage on the common pool."""

from __future__ import annotations

import time
from collections.abc import Sequence

from limits import RateLimitItemPerSecond
from limits.aio.storage import RedisStorage
from limits.aio.strategies import RateLimiter

from benchmarks.limiter.measured.access import Access
from benchmarks.limiter.measured.candidates.shared import OnRedis


class Limits(OnRedis):
    """hit, and get_window_stats for the headers, as its quickstart has them."""

    def __init__(self, access: Access, strategy: type[RateLimiter]) -> None:
        super().__init__(access)
        storage = RedisStorage(
            f"async+{access.url}", implementation="redispy", connection_pool=self.pool
        )
        self._limiter = strategy(storage)
        self._item = RateLimitItemPerSecond(access.requests, access.seconds)

    async def one(self, user: str, ip: str) -> bool:  # noqa: ARG002 - the load's signature
        """One hit."""
        return bool(await self._limiter.hit(self._item, "user", user))

    async def both(self, user: str, ip: str) -> bool:
        """Two hits, the second only if the first is admitted."""
        hit, item = self._limiter.hit, self._item
        return bool(await hit(item, "user", user) and await hit(item, "ip", ip))

    async def headers(self, user: str, ip: str) -> Sequence[tuple[int, float]] | None:
        """Two hits, then the statistics of both."""
        if not await self.both(user, ip):
            return None
        ask, item = self._limiter.get_window_stats, self._item
        of_user, of_ip = await ask(item, "user", user), await ask(item, "ip", ip)
        now = time.time()
        return [
            (of_user.remaining, of_user.reset_time - now),
            (of_ip.remaining, of_ip.reset_time - now),
        ]
