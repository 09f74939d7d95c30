"""throttled-py 3.5 with its sliding window, the only one of its strategies that slides.

Its result carries what its own integrations put into the headers, so it needs no second call.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from throttled.asyncio import RateLimiterType, RedisStore, Throttled, per_duration

from benchmarks.limiter.measured.access import POOL_SIZE, Access
from benchmarks.limiter.measured.pool import FairPool


class ThrottledPy:
    """One Throttled over one store, which makes the common pool by its class's name."""

    strategy = "SLIDING_WINDOW"

    def __init__(self, access: Access) -> None:
        store = RedisStore(
            server=access.url,
            options={
                "CONNECTION_POOL_CLASS": f"{FairPool.__module__}.{FairPool.__name__}",
                "CONNECTION_POOL_KWARGS": {"ssl_ca_certs": access.ca_file},
                "PASSWORD": access.token,
            },
        )
        self._limit = Throttled(
            using=RateLimiterType.SLIDING_WINDOW.value,
            quota=per_duration(timedelta(seconds=access.seconds), access.requests),
            store=store,
        ).limit

    async def connect(self) -> None:
        """Open all connections, which its store does only when they are needed."""
        await asyncio.gather(*(self._limit(f"warm:{number}") for number in range(POOL_SIZE * 2)))

    async def one(self, user: str, ip: str) -> bool:  # noqa: ARG002 - the load's signature
        """One limit."""
        return not (await self._limit(f"user:{user}")).limited

    async def both(self, user: str, ip: str) -> bool:
        """Two limits, the second only if the first admits."""
        if (await self._limit(f"user:{user}")).limited:
            return False
        return not (await self._limit(f"ip:{ip}")).limited

    async def headers(self, user: str, ip: str) -> Sequence[tuple[int, float]] | None:
        """Two limits and what their results say."""
        of_user = await self._limit(f"user:{user}")
        if of_user.limited:
            return None
        of_ip = await self._limit(f"ip:{ip}")
        if of_ip.limited:
            return None
        user_state, ip_state = of_user.state, of_ip.state
        return [
            (user_state.remaining, user_state.reset_after),
            (ip_state.remaining, ip_state.reset_after),
        ]

    def unmeasured(self) -> int:
        """None: it answers from Redis or raises."""
        return 0


def make(access: Access) -> ThrottledPy:
    """The candidate."""
    return ThrottledPy(access)
