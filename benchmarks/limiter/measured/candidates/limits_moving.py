"""limits with its moving window: the strategy that it documents as the exact one."""

from __future__ import annotations

from limits.aio.strategies import MovingWindowRateLimiter

from benchmarks.limiter.measured.access import Access
from benchmarks.limiter.measured.candidates.limits_shared import Limits


class LimitsMoving(Limits):
    """Exact as long as the clients' clocks agree."""

    strategy = "MovingWindowRateLimiter"


def make(access: Access) -> LimitsMoving:
    """The candidate."""
    return LimitsMoving(access, MovingWindowRateLimiter)
