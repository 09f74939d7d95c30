"""Ours: the client package as an application has it, from its settings."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from benchmarks.limiter.measured.access import PATIENCE, POOL_SIZE, Access
from vibewell_redis.asyncio import RateLimiter
from vibewell_redis.settings import TIERS, Settings

TIER = TIERS[0]
NOT_REDIS = {"fallback_allowed", "fallback_denied", "disabled"}


class Ours:
    """One tier; user and IP address are one decision, which says what the headers need."""

    strategy = "exact sliding log"

    def __init__(self, access: Access) -> None:
        settings = settings_of(access)
        if access.deadline is None:
            self._limiter = RateLimiter.from_settings(settings)
        else:
            self._limiter = RateLimiter.from_settings(settings, deadline=access.deadline)

    async def connect(self) -> None:
        """Log in. Raises ConnectionError if it cannot."""
        if not await self._limiter.connect():
            raise ConnectionError("the limiter cannot reach Redis")

    async def one(self, user: str, ip: str) -> bool:  # noqa: ARG002 - the load's signature
        """One hit over the user."""
        return bool(await self._limiter.hit(TIER, user=user))

    async def both(self, user: str, ip: str) -> bool:
        """One hit over both."""
        return bool(await self._limiter.hit(TIER, user=user, ip=ip))

    async def headers(self, user: str, ip: str) -> Sequence[tuple[int, float]] | None:
        """The same hit, and what it says."""
        decision = await self._limiter.hit(TIER, user=user, ip=ip)
        if not decision:
            return None
        return [(window.remaining, window.reset_after) for window in decision.windows]

    def unmeasured(self) -> int:
        """Answers that were given without Redis."""
        return count_unmeasured(self._limiter.counts)


def settings_of(access: Access) -> Settings:
    """The settings of an application."""
    # The package trusts what OpenSSL trusts; only the rehearsal's authority has signed this.
    os.environ["SSL_CERT_FILE"] = access.ca_file
    limit = f"{access.requests},{access.seconds}"
    return Settings.from_environment(
        {
            "REDIS_ENABLED": "true",
            "REDIS_URL": access.url,
            "REDIS_PASSWORD": access.token,
            "REDIS_TLS": "true",
            "REDIS_TIMEOUT": str(1000 * PATIENCE),
            "REDIS_MAX_RECONNECT_ATTEMPTS": "10",
            "REDIS_POOL_SIZE": str(POOL_SIZE),
            **{f"RATE_LIMIT_{tier.upper()}": limit for tier in TIERS},
        }
    )


def count_unmeasured(counts: Mapping[tuple[str, str], int]) -> int:
    """Answers that were given without Redis."""
    return sum(times for (_, outcome), times in counts.items() if outcome in NOT_REDIS)


def make(access: Access) -> Ours:
    """The candidate."""
    return Ours(access)
