"""No limiter: what the load itself costs, with one turn of the event loop a decision."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from benchmarks.limiter.measured.access import Access


class Nothing:
    """Admits everything."""

    strategy = "one turn of the event loop"

    async def connect(self) -> None:
        """There is nothing to open."""

    async def one(self, user: str, ip: str) -> bool:  # noqa: ARG002 - the load's signature
        """Admitted."""
        await asyncio.sleep(0)
        return True

    both = one

    async def headers(self, user: str, ip: str) -> Sequence[tuple[int, float]] | None:
        """Admitted, with numbers of no meaning."""
        return [(1, 0.0)] if await self.one(user, ip) else None

    def unmeasured(self) -> int:
        """All answers are what they are meant to be."""
        return 0


def make(_access: Access) -> Nothing:
    """The candidate."""
    return Nothing()
