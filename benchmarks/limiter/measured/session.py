"""What a measured process can be asked to do."""

from __future__ import annotations

import itertools
from importlib.metadata import version
from typing import Any

from benchmarks.limiter.measured import attack, load
from benchmarks.limiter.measured.access import Access
from benchmarks.limiter.measured.candidates import Candidate, make

USERS = 5000


class Session:
    """One candidate; every method is a command and returns what JSON can carry."""

    def __init__(self) -> None:
        self._candidate: Candidate
        # Made once, before anything is measured: what the load consists of is nobody's garbage.
        self._crowd = load.crowd(USERS)

    async def open(self, candidate: str, access: dict[str, Any]) -> dict[str, Any]:
        """Make the candidate and let it connect."""
        self._candidate = make(candidate, Access(**access))
        await self._candidate.connect()
        return {
            "strategy": self._candidate.strategy,
            "redis-py": version("redis"),
            "hiredis": version("hiredis"),
            "uvloop": version("uvloop"),
        }

    async def closed(self, scenario: str, seconds: float, tasks: int) -> dict[str, Any]:
        """Closed loops."""
        ask = getattr(self._candidate, scenario)
        pairs = load.again_and_again(self._crowd)
        return await self._counted(load.closed(ask, pairs, seconds, tasks))

    async def threads(self, scenario: str, seconds: float, tasks: int) -> dict[str, Any]:
        """Closed loops of threads; the event loop waits for them."""
        ask = getattr(self._candidate, scenario)
        before = self._candidate.unmeasured()
        result = load.threads(ask, load.again_and_again(self._crowd), seconds, tasks)
        return {**result, "unmeasured": self._candidate.unmeasured() - before}

    async def arrivals(self, scenario: str, rate: float, seconds: float) -> dict[str, Any]:
        """Open arrivals."""
        ask = getattr(self._candidate, scenario)
        pairs = load.again_and_again(self._crowd)
        return await self._counted(load.arrivals(ask, pairs, rate, seconds))

    async def flood(self, user: str, seconds: float, tasks: int) -> dict[str, Any]:
        """Closed loops on one key."""
        same = itertools.repeat((user, "198.51.100.1"))
        return await self._counted(load.closed(self._candidate.one, same, seconds, tasks))

    async def fill(self, user: str, times: int) -> int:
        """Ask so many times, one after the other; how often it was admitted."""
        return sum([await self._candidate.one(user, "") for _ in range(times)])

    async def tell(self, user: str, ip: str) -> list[Any]:
        """Decide once; what the headers would say of each."""
        answer = await self._candidate.headers(user, ip)
        return [] if answer is None else [list(one) for one in answer]

    async def attack(self, **plan: Any) -> dict[str, Any]:
        """Adversarial traffic; every request's times and answer come back."""
        before = self._candidate.unmeasured()
        records = await attack.run(self._candidate, attack.Plan(**plan))
        return {"records": records, "unmeasured": self._candidate.unmeasured() - before}

    async def _counted(self, work: Any) -> dict[str, Any]:
        before = self._candidate.unmeasured()
        result: dict[str, Any] = await work
        return {**result, "unmeasured": self._candidate.unmeasured() - before}
