"""What is decided while Redis is away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from math import ceil
from typing import Literal

from vibewell_redis.decision import WindowStats
from vibewell_redis.keys import Plan
from vibewell_redis.limits import RateLimitItem
from vibewell_redis.memory import Logs

# When a tier that is closed may be asked again: Redis is tried as often (seconds).
RETRY_SECONDS = 1.0


class Fallback(StrEnum):
    """A tier's policy."""

    OPEN = "open"  # admit: an outage of Redis must not be one of the application
    CLOSED = "closed"  # deny: no request is better than an unlimited caller
    LOCAL = "local"  # each instance admits its share of the limit


Policy = Fallback | Literal["open", "closed", "local"]
Policies = Policy | Mapping[str, Policy]  # for all tiers, or tier by tier


def share(item: RateLimitItem, instances: int) -> tuple[int, float]:
    """How many requests in how many seconds one instance admits.

    All instances together admit no more than the limit says on the average: where a limit is
    smaller than the number of instances, one request in a longer time.
    """
    if item.requests >= instances:
        return item.requests // instances, float(item.seconds)
    return 1, item.seconds * instances / item.requests


class LocalWindows:
    """Exact sliding windows in this process alone; ``now`` is seconds of the caller's clock."""

    def __init__(self, instances: int) -> None:
        self._instances = instances
        self._logs = Logs()
        self.forget = self._logs.forget

    def decide(
        self, checks: Sequence[tuple[bytes, RateLimitItem, str]], now: float, *, asks: bool
    ) -> tuple[bool, tuple[WindowStats, ...]]:
        """All or nothing over keys, their limits and kinds: nothing is counted when one is full."""
        each = []
        for key, item, _ in checks:
            requests, seconds = share(item, self._instances)
            # The whole share is free again when its length has passed.
            each.append((key, requests, ceil(seconds * 1_000_000) - 1, round(now * 1_000_000)))
        admitted, found = self._logs.decide(each, asks=asks)
        return admitted, tuple(
            WindowStats(item, kind, left, reset / 1_000_000)
            for (_, item, kind), (left, reset) in zip(checks, found, strict=True)
        )


class Fallbacks:
    """The policy of each tier, and the windows of those that are local."""

    def __init__(
        self, tiers: Mapping[str, RateLimitItem], policies: Policies, instances: int
    ) -> None:
        """``policies`` is one for all, or tier by tier; a tier left out is local.

        Raises ValueError.
        """
        if isinstance(policies, str):
            policies = dict.fromkeys(tiers, policies)
        for name in policies:
            if name not in tiers:
                raise ValueError(
                    f"fallback: there is no tier {name!r}: write one of {', '.join(tiers)}"
                )
        for policy in policies.values():
            if policy not in list(Fallback):
                raise ValueError(f"fallback: {policy!r} is no policy: write open, closed or local")
        self._policies = {name: Fallback(policies.get(name, Fallback.LOCAL)) for name in tiers}
        self._local = LocalWindows(instances)
        self.forget = self._local.forget

    def decide(
        self, plan: Plan, keys: Sequence[bytes], now: float, *, asks: bool
    ) -> tuple[bool, tuple[WindowStats, ...]]:
        """One closed tier closes the decision; an open one has no window and no say."""
        closed, local = [], []
        for key, tier, one in zip(keys, plan.tiers, plan.limits, strict=True):
            if self._policies[tier] is Fallback.CLOSED:
                closed.append(WindowStats(one.item, one.kind, 0, RETRY_SECONDS))
            elif self._policies[tier] is Fallback.LOCAL:
                local.append((key, one.item, one.kind))
        if closed:
            return False, tuple(closed)
        return self._local.decide(local, now, asks=asks)
