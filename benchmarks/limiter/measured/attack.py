"""Traffic that tries to get more out of a limit than it gives, from several processes at once.

All patterns run at the same time, since each has keys of its own:

- edge: a burst just before and just after the ends of windows that are aligned to the clock;
- bursts: as many as the limit at once, then a wait of nearly a window, and again;
- steady: random arrivals at half again the limit's rate;
- poll: a request every few milliseconds, there whenever room appears;
- hot: users of an address that is full nearly always, who have quiet addresses too. What the full
  address denies them must not count for them: then they are never full themselves;
- greedy: a user who is full nearly always, at addresses that others share. What is denied to that
  user must not count for the addresses: then they are hardly ever full.
"""

import asyncio
import random
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

# (key, ..., sent, answered, admitted): times in seconds of CLOCK_MONOTONIC, which all processes of
# a machine share. One key, or the user's and the address's.
Record = list[str | float | bool]
Send = Callable[[], Coroutine[Any, Any, None]]


@dataclass(frozen=True)
class Plan:
    """The limit, how many processes attack, which one this is, and from when to when."""

    requests: int
    seconds: float
    process: int
    processes: int
    start: float  # of CLOCK_MONOTONIC
    end: float


async def run(candidate: Any, plan: Plan) -> list[Record]:
    """All patterns until the plan's end; what was asked, when, and what was answered."""
    attack = _Attack(candidate, plan)
    await asyncio.sleep(plan.start - time.monotonic())
    patterns = (attack.edge, attack.bursts, attack.steady, attack.poll, attack.hot, attack.greedy)
    await asyncio.gather(*(pattern() for pattern in patterns))
    return attack.records


class _Attack:
    def __init__(self, candidate: Any, plan: Plan) -> None:
        self.records: list[Record] = []
        self._candidate = candidate
        self._plan = plan
        self._choose = random.Random(plan.process)  # noqa: S311 - traffic, no secret
        # Together the processes send a little more than the limit at once.
        self._share = plan.requests // plan.processes + 2

    async def edge(self) -> None:
        window = self._plan.seconds
        while time.monotonic() < self._plan.end:
            to_edge = window - time.time() % window
            await asyncio.sleep(max(0.0, to_edge - 0.02))
            await self._burst("edge", self._share)
            await asyncio.sleep(0.04)
            await self._burst("edge", self._share)
            await asyncio.sleep(window / 4)

    async def bursts(self) -> None:
        while time.monotonic() < self._plan.end:
            await self._burst("bursts", self._share)
            nearly = self._plan.seconds * self._choose.choice((0.5, 0.98, 0.995, 1.0))
            await asyncio.sleep(nearly + self._choose.uniform(-0.002, 0.004))

    async def steady(self) -> None:
        await self._visits(1.5, lambda: self._one("steady"))

    async def poll(self) -> None:
        while time.monotonic() < self._plan.end:
            await self._one("poll")
            await asyncio.sleep(self._choose.uniform(0.001, 0.012))

    async def hot(self) -> None:
        await asyncio.gather(
            self._visits(4, lambda: self._pair(f"hot{self._any(3)}", "hot")),
            self._visits(1, lambda: self._own("hot", "quiet", 3)),
        )

    async def greedy(self) -> None:
        await asyncio.gather(
            self._visits(2, lambda: self._pair("greedy", f"shared{self._any(4)}")),
            self._visits(2.7, lambda: self._own("modest", "shared", 4)),
        )

    def _any(self, number: int) -> int:
        return self._choose.randrange(number)

    def _own(self, user: str, ip: str, number: int) -> Coroutine[Any, Any, None]:
        """One of so many users, from the user's own address."""
        one = self._any(number)
        return self._pair(f"{user}{one}", f"{ip}{one}")

    async def _visits(self, times: float, send: Send) -> None:
        """Random arrivals of all processes together at so many times the limit's rate."""
        plan = self._plan
        rate = times * plan.requests / plan.seconds / plan.processes
        under_way: list[asyncio.Task[None]] = []
        while time.monotonic() < plan.end:
            await asyncio.sleep(self._choose.expovariate(rate))
            under_way.append(asyncio.create_task(send()))
        await asyncio.gather(*under_way)

    async def _burst(self, user: str, size: int) -> None:
        await asyncio.gather(*(self._one(user) for _ in range(size)))

    async def _one(self, user: str) -> None:
        sent = time.monotonic()
        admitted = bool(await self._candidate.one(user, ""))
        self.records.append([f"user {user}", sent, time.monotonic(), admitted])

    async def _pair(self, user: str, ip: str) -> None:
        sent = time.monotonic()
        admitted = bool(await self._candidate.both(user, ip))
        self.records.append([f"user {user}", f"ip {ip}", sent, time.monotonic(), admitted])
