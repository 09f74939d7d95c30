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


class Fallbacks:
    """The policy of each tier, and the exact windows of those that are local to this process.

    ``now`` is seconds of the caller's clock.
    """

    def __init__(
        self, tiers: Mapping[str, RateLimitItem], policies: Policies, instances: int
    ) -> None:
        """``policies`` is one for all, or tier by tier; a tier left out is local.

        Raises ValueError.
        """
        if isinstance(policies, str):
            policies = dict.fromkeys(tiers, policies)
        for name, policy in policies.items():
            if name not in tiers:
                raise ValueError(
                    f"fallback: there is no tier {name!r}: write one of {', '.join(tiers)}"
                )
            if policy not in list(Fallback):
                raise ValueError(f"fallback: {policy!r} is no policy: write open, closed or local")
        self._policies = {name: Fallback(policies.get(name, Fallback.LOCAL)) for name in tiers}
        self._instances = instances
        self._logs = Logs()
        self.forget = self._logs.forget

    def decide(
        self, plan: Plan, keys: Sequence[bytes], now: float, *, asks: bool
    ) -> tuple[bool, tuple[WindowStats, ...]]:
        """One closed tier closes the decision; an open one has no window and no say.

        Local ones decide together: nothing is counted when one is full.
        """
        closed, local, checks = [], [], []
        for key, tier, one in zip(keys, plan.tiers, plan.limits, strict=True):
            if self._policies[tier] is Fallback.CLOSED:
                closed.append(WindowStats(one.item, one.kind, 0, RETRY_SECONDS))
            elif self._policies[tier] is Fallback.LOCAL:
                requests, seconds = share(one.item, self._instances)
                # The whole share is free again when its length has passed.
                ticks = ceil(seconds * 1_000_000) - 1
                checks.append((key, requests, ticks, round(now * 1_000_000)))
                local.append(one)
        if closed:
            return False, tuple(closed)
        admitted, found = self._logs.decide(checks, asks=asks)
        return admitted, tuple(
            WindowStats(one.item, one.kind, left, reset / 1_000_000)
            for one, (left, reset) in zip(local, found, strict=True)
        )
