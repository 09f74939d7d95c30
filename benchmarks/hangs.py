"""`make bench-hangs`: both limiters in closed loops while a real server hangs at random.

usage: python -m benchmarks.hangs [SECONDS]

Each waits for its decisions, deadline 50 ms; the server is stopped, paused or emptied of its
script, and connections are cut, each for a random time. What is judged is how long a decision took
beyond its deadline, less the caller's own lateness: how long, in that time, its thread had no
processor, and a thread that only sleeps for a millisecond was kept from running. The exit status
is 1 if one is later than 20 ms.
"""

import asyncio
import contextlib
import os
import random
import signal
import sys
import threading
import time
from bisect import bisect
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from benchmarks.limiter.server import Server, server
from vibewell_redis import Decision, RateLimiter, Settings
from vibewell_redis import asyncio as tasks

DEADLINE, LATE = 0.05, 0.02  # seconds
CALLERS = 8
LONGEST = 2.0  # seconds that a sleeping thread is kept from running
FULL = 600.0  # seconds


def _waited_for_cpu() -> float:
    """Seconds that this thread has been able to run and had no processor (Linux' schedstat)."""
    return int(Path("/proc/thread-self/schedstat").read_text().split()[1]) / 1e9


class Judge:
    """The decisions of all callers, and how late this process is by itself."""

    def __init__(self) -> None:
        self.decided: Counter[str] = Counter()
        self._late: list[tuple[str, float, float]] = []
        self._overslept: list[tuple[float, float]] = []
        threading.Thread(target=self._watch, daemon=True).start()

    def hear(self, who: str, began: float, before: float, decision: Decision) -> None:
        """One decision that has just been made; `before` is what its thread had waited by then."""
        ended = time.monotonic()
        self.decided[f"{who}, {decision.source}"] += 1
        if ended - began > DEADLINE + LATE:
            self._late.append((who, began + _waited_for_cpu() - before, ended))

    def beyond(self) -> dict[str, float]:
        """Seconds beyond the deadline of the latest decision of each, less its own lateness."""
        worst = {"threads": 0.0, "tasks": 0.0}
        for who, began, ended in self._late:
            # They are in the order of time, and none is longer than this.
            first, last = (bisect(self._overslept, (at,)) for at in (began, ended + LONGEST))
            own = sum(late for at, late in self._overslept[first:last] if at - late < ended)
            worst[who] = max(worst[who], ended - began - DEADLINE - own)
        return worst

    def _watch(self) -> None:
        before = time.monotonic()
        while True:
            time.sleep(0.001)
            now = time.monotonic()
            if now - before > 0.003:
                self._overslept.append((now, now - before))
            before = now


def main(seconds: float) -> int:
    """The exit status."""
    judge = Judge()
    with server() as node:
        settings = node.settings
        until = time.monotonic() + seconds
        with _threads(settings, judge, until), _tasks(settings, judge, until):
            faults = _harm(node, until)
    for name, number in sorted((judge.decided + faults).items()):
        print(f"{name:32} {number:9}")
    beyond = judge.beyond()
    for who, late in beyond.items():
        print(f"{who:32} {1000 * late:6.1f} ms beyond the deadline, at most {1000 * LATE:.0f}")
    from_redis = all(judge.decided[f"{who}, redis"] > 100 for who in beyond)
    return int(max(beyond.values()) > LATE or not from_redis)


@contextlib.contextmanager
def _threads(settings: Settings, judge: Judge, until: float) -> Iterator[None]:
    limiter = RateLimiter.from_settings(settings, deadline=DEADLINE, prefix="threads")
    limiter.connect()

    def work(number: int) -> None:
        while (began := time.monotonic()) < until:
            waited = _waited_for_cpu()
            decision = limiter.hit("general", user=f"{number}:{began:.0f}")
            judge.hear("threads", began, waited, decision)
            time.sleep(0.002)

    yield from _run([partial(work, number) for number in range(CALLERS)])
    limiter.close()


@contextlib.contextmanager
def _tasks(settings: Settings, judge: Judge, until: float) -> Iterator[None]:
    async def work(limiter: tasks.RateLimiter, number: int) -> None:
        while (began := time.monotonic()) < until:
            waited = _waited_for_cpu()
            decision = await limiter.hit("general", user=f"{number}:{began:.0f}")
            judge.hear("tasks", began, waited, decision)
            await asyncio.sleep(0.002)

    async def all_of_them() -> None:
        limiter = tasks.RateLimiter.from_settings(settings, deadline=DEADLINE, prefix="tasks")
        await limiter.connect()
        await asyncio.gather(*(work(limiter, number) for number in range(CALLERS)))
        await limiter.aclose()

    yield from _run([partial(asyncio.run, all_of_them())])


def _run(work: list[Callable[[], None]]) -> Iterator[None]:
    running = [threading.Thread(target=one) for one in work]
    for thread in running:
        thread.start()
    yield
    for thread in running:
        thread.join(60)


def _harm(node: Server, until: float) -> Counter[str]:
    choose = random.Random(1)  # noqa: S311 - when faults come, no secret
    faults: Counter[str] = Counter()
    while (left := until - time.monotonic()) > 0:
        fault = choose.choice(["hang", "hang", "pause", "cut", "cut", "forget"])
        lasts = min(choose.choice([0.01, 0.04, 0.06, 0.2, 1.0]) * choose.random() * 2, left)
        faults[f"fault: {fault}"] += 1
        if fault == "hang":
            os.kill(node.process.pid, signal.SIGSTOP)
            time.sleep(lasts)
            os.kill(node.process.pid, signal.SIGCONT)
        elif fault == "pause":
            node.process.call("client", "pause", int(1000 * lasts))
        elif fault == "cut":
            node.process.call("client", "kill", "user", "default")
        else:
            node.process.call("script", "flush")
        time.sleep(min(choose.expovariate(3), max(until - time.monotonic(), 0)))
    return faults


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else FULL))
