"""limits with its sliding window counter: an approximation that it documents as the cheaper one."""

from __future__ import annotations

from limits.aio.strategies import SlidingWindowCounterRateLimiter

from benchmarks.limiter.measured.access import Access
from benchmarks.limiter.measured.candidates.limits_shared import Limits


class LimitsCounter(Limits):
    """Two counters a key, the older one weighted."""

    strategy = "SlidingWindowCounterRateLimiter"


def make(access: Access) -> LimitsCounter:
    """The candidate."""
    return LimitsCounter(access, SlidingWindowCounterRateLimiter)
