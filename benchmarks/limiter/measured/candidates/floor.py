"""The floor: one EVALSHA that counts up, through redis.asyncio. It limits nothing well."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.limiter.measured.access import Access
from benchmarks.limiter.measured.candidates.shared import OnRedis

SCRIPT = """
local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return count
"""


class Floor(OnRedis):
    """A fixed window in one command."""

    strategy = "EVALSHA of INCR"

    async def connect(self) -> None:
        """Open all connections and load the script."""
        await super().connect()
        self._sha = await self.client.script_load(SCRIPT)
        self._milliseconds = self.access.seconds * 1000

    async def one(self, user: str, ip: str) -> bool:  # noqa: ARG002 - the load's signature
        """Count the user."""
        return await self._count(f"user:{user}") <= self.access.requests

    async def both(self, user: str, ip: str) -> bool:
        """Count the user, then the IP."""
        return await self.one(user, ip) and await self._count(f"ip:{ip}") <= self.access.requests

    async def headers(self, user: str, ip: str) -> Sequence[tuple[int, float]] | None:
        """Count both and ask when each window ends."""
        told: list[tuple[int, float]] = []
        for key in (f"user:{user}", f"ip:{ip}"):
            count = await self._count(key)
            if count > self.access.requests:
                return None
            told.append((self.access.requests - count, await self.client.pttl(key) / 1000))
        return told

    async def _count(self, key: str) -> int:
        return int(await self.client.evalsha(self._sha, 1, key, self._milliseconds))


def make(access: Access) -> Floor:
    """The candidate."""
    return Floor(access)
