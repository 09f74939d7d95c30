"""What the candidates on redis.asyncio have in common."""

from __future__ import annotations

from redis.asyncio import Redis

from benchmarks.limiter.measured.access import Access
from benchmarks.limiter.measured.pool import pool, warm


class OnRedis:
    """A candidate with the common pool."""

    def __init__(self, access: Access) -> None:
        self.access = access
        self.pool = pool(access)
        self.client = Redis(connection_pool=self.pool)

    async def connect(self) -> None:
        """Open all connections."""
        await warm(self.client)

    def unmeasured(self) -> int:
        """None: it answers from Redis or raises."""
        return 0
