"""The load: closed loops that ask again as soon as they are answered, and open arrivals.

What a decision costs beside the limiter is the same few lines for every candidate; the no-op
candidate shows how much that is.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

Pair = tuple[str, str]  # user and IP address
Ask = Callable[[str, str], Awaitable[Any]]

TURNS = 4  # of each user before the order repeats
TICK = 0.001  # seconds: as fine as uvloop's timers are


def crowd(users: int, seed: int = 0) -> list[Pair]:
    """Users with an address each, in an order that names each of them equally often.

    Drawn at random, some would come three times as often and reach their limit.
    """
    drawn = list(range(users)) * TURNS
    random.Random(seed).shuffle(drawn)  # noqa: S311 - traffic, no secret
    return [(str(one), f"198.51.{one >> 8}.{one & 255}") for one in drawn]


def again_and_again(pairs: list[Pair]) -> Iterator[Pair]:
    """Without end; itertools.cycle keeps a copy, which the garbage collector would search."""
    return itertools.chain.from_iterable(itertools.repeat(pairs))


async def closed(ask: Ask, pairs: Iterator[Pair], seconds: float, tasks: int) -> dict[str, Any]:
    """So many tasks in closed loops; latencies in seconds."""
    clock = time.perf_counter
    latencies: list[float] = []
    denied = 0

    async def work() -> None:
        nonlocal denied
        began = clock()
        while True:  # once at least, on however busy a machine
            user, ip = next(pairs)
            if not await ask(user, ip):
                denied += 1
            ended = clock()
            latencies.append(ended - began)
            if ended >= end:
                return
            began = ended

    cpu, start = time.process_time(), clock()
    end = start + seconds
    await asyncio.gather(*(work() for _ in range(tasks)))
    taken, cpu = clock() - start, time.process_time() - cpu
    return {"denied": denied, "seconds": taken, "cpu": cpu, **_summary(latencies)}


def threads(
    ask: Callable[[str, str], Any], pairs: Iterator[Pair], seconds: float, tasks: int
) -> dict[str, Any]:
    """So many threads in closed loops."""
    clock = time.perf_counter
    found: list[tuple[list[float], int]] = []
    lock = threading.Lock()

    def work() -> None:
        latencies: list[float] = []
        denied = 0
        began = clock()
        while began < end:
            with lock:
                user, ip = next(pairs)
            if not ask(user, ip):
                denied += 1
            ended = clock()
            latencies.append(ended - began)
            began = ended
        found.append((latencies, denied))

    started = [threading.Thread(target=work) for _ in range(tasks)]
    cpu, start = time.process_time(), clock()
    end = start + seconds
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()
    taken, cpu = clock() - start, time.process_time() - cpu
    denied = sum(number for _, number in found)
    latencies = [one for each, _ in found for one in each]
    return {"denied": denied, "seconds": taken, "cpu": cpu, **_summary(latencies)}


async def arrivals(ask: Ask, pairs: Iterator[Pair], rate: float, seconds: float) -> dict[str, Any]:
    """Random arrivals that wait for nobody; a latency runs from when its request was due."""
    clock = time.perf_counter
    choose = random.Random(1)  # noqa: S311 - traffic, no secret
    gaps = (choose.expovariate(rate) for _ in range(int(rate * seconds)))
    latencies: list[float] = []
    denied = 0

    async def one(due: float, user: str, ip: str) -> None:
        nonlocal denied
        if not await ask(user, ip):
            denied += 1
        latencies.append(clock() - due)

    cpu, start = time.process_time(), clock()
    dues = itertools.accumulate(gaps, initial=start)
    under_way: list[asyncio.Task[None]] = []
    for due in dues:
        while clock() < due:
            await asyncio.sleep(TICK)
        under_way.append(asyncio.create_task(one(due, *next(pairs))))
    await asyncio.gather(*under_way)
    taken, cpu = clock() - start, time.process_time() - cpu
    return {"denied": denied, "seconds": taken, "cpu": cpu, **_summary(latencies)}


def _summary(latencies: list[float]) -> dict[str, Any]:
    latencies.sort()
    count = len(latencies)
    return {
        "decisions": count,
        "p50": latencies[count // 2],
        "p99": latencies[count * 99 // 100],
    }
