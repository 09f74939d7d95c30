"""Connections and exact, distributed rate limits on the Redis that VibeWell deploys.

Threads use what is here; event loops what ``vibewell_redis.asyncio`` has under the same names.
"""

from vibewell_redis.credentials import TokenUnavailableError
from vibewell_redis.decision import Decision, Source, WindowStats
from vibewell_redis.fallback import Fallback
from vibewell_redis.limiter import RateLimiter
from vibewell_redis.limits import RateLimitItem
from vibewell_redis.pool import IdleClosingPool, LoginRefusedError, connection_pool
from vibewell_redis.settings import Settings, SettingsError

__all__ = [
    "Decision",
    "Fallback",
    "IdleClosingPool",
    "LoginRefusedError",
    "RateLimitItem",
    "RateLimiter",
    "Settings",
    "SettingsError",
    "Source",
    "TokenUnavailableError",
    "WindowStats",
    "connection_pool",
]
