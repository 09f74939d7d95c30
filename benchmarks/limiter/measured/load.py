"""The load: closed loops that ask again as soon as they are answered.

What a decision costs beside the limiter is the same few lines for every candidate.
"""

import asyncio
import itertools
import random
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

Pair = tuple[str, str]  # user and IP address
Ask = Callable[[str, str], Awaitable[Any]]

USERS = 5000
TURNS = 4  # of each user before the order repeats


def users_and_addresses(users: int = USERS) -> list[Pair]:
    """Users with an address each, in an order that names each of them equally often.

    Drawn at random, some would come three times as often and reach their limit.
    """
    drawn = list(range(users)) * TURNS
    random.Random(0).shuffle(drawn)  # noqa: S311 - traffic, no secret
    return [(str(one), f"198.51.{one >> 8}.{one & 255}") for one in drawn]


_PAIRS = users_and_addresses()  # made once, before anything is measured


def pairs() -> Iterator[Pair]:
    """Without end; itertools.cycle keeps a copy, which the garbage collector would search."""
    return itertools.chain.from_iterable(itertools.repeat(_PAIRS))


class _Tally:
    """Latencies in seconds, how many were denied, and the time and CPU since it was made."""

    def __init__(self) -> None:
        self.latencies: list[float] = []
        self.denied = 0
        self.cpu, self.start = time.process_time(), time.perf_counter()

    def result(self) -> dict[str, Any]:
        taken, cpu = time.perf_counter() - self.start, time.process_time() - self.cpu
        self.latencies.sort()
        count = len(self.latencies)
        return {
            "denied": self.denied,
            "seconds": taken,
            "cpu": cpu,
            "decisions": count,
            "p99": self.latencies[count * 99 // 100],
        }


async def closed(ask: Ask, pairs: Iterator[Pair], seconds: float, callers: int) -> dict[str, Any]:
    """So many tasks in closed loops."""
    clock, tally = time.perf_counter, _Tally()
    end = tally.start + seconds

    async def work() -> None:
        began = clock()
        while True:  # once at least, on however busy a machine
            user, ip = next(pairs)
            if not await ask(user, ip):
                tally.denied += 1
            ended = clock()
            tally.latencies.append(ended - began)
            if ended >= end:
                return
            began = ended

    await asyncio.gather(*(work() for _ in range(callers)))
    return tally.result()


def threads(
    ask: Callable[[str, str], Any], pairs: Iterator[Pair], seconds: float, callers: int
) -> dict[str, Any]:
    """So many threads in closed loops."""
    clock, tally, lock = time.perf_counter, _Tally(), threading.Lock()
    end = tally.start + seconds

    def work() -> None:
        latencies: list[float] = []
        denied = 0
        began = clock()
        while True:
            with lock:
                user, ip = next(pairs)
            if not ask(user, ip):
                denied += 1
            ended = clock()
            latencies.append(ended - began)
            if ended >= end:
                break
            began = ended
        with lock:
            tally.latencies += latencies
            tally.denied += denied

    started = [threading.Thread(target=work) for _ in range(callers)]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()
    return tally.result()
