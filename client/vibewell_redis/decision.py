"""What a decision says: whether the request may go on, and all that its headers need."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from vibewell_redis.limits import RateLimitItem


class Source(StrEnum):
    """Who decided."""

    REDIS = "redis"  # exact, over all instances
    MEMORY = "memory"  # a denial of Redis' that still holds: exact too
    FALLBACK = "fallback"  # Redis was away: the tier's policy
    DISABLED = "disabled"  # REDIS_ENABLED is false: everything is admitted


class WindowStats(NamedTuple):
    """One limit of one identifier after a decision.

    ``remaining`` is how many more requests would be admitted now; ``reset_after`` is seconds until
    there is more: until the oldest admitted request leaves the window or, when this limit denies,
    until it would admit.
    """

    item: RateLimitItem
    identifier: str  # the kind, as "user" or "ip": never the value
    remaining: int
    reset_after: float


class Decision(NamedTuple):
    """True when the request is admitted; then every limit has counted it, otherwise none has."""

    allowed: bool
    windows: tuple[WindowStats, ...]
    source: Source

    def __bool__(self) -> bool:
        """Whether the request may go on."""
        return self.allowed

    @property
    def retry_after(self) -> float:
        """Seconds until all limits would admit it; 0 when it is admitted."""
        if self.allowed:
            return 0.0
        return max((one.reset_after for one in self.windows if not one.remaining), default=0.0)
