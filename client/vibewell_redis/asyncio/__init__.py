"""The limiter and the pool for asyncio, as redis.asyncio is to redis."""

from vibewell_redis.asyncio.limiter import RateLimiter
from vibewell_redis.asyncio.pool import FairConnectionPool, connection_pool
from vibewell_redis.asyncio.storage import RedisStorage

__all__ = ["FairConnectionPool", "RateLimiter", "RedisStorage", "connection_pool"]
