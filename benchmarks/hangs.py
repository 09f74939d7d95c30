"""`make bench-hangs`: both limiters in closed loops while a real server hangs at random.

usage: python -m benchmarks.hangs [SECONDS]

Each waits for its decisions, deadline 50 ms; the server is stopped, paused or emptied of its
script, and connections are cut, each for a random time. What is judged is how long a decision took
beyond its deadline, less the caller's own lateness: how long, in that time, its thread had no
processor, and a thread that only sleeps for a millisecond was kept from running (the most of four
such threads). The exit status is 1 if one is later than 20 ms.
"""

import asyncio
import os
import random
import signal
import sys
import threading
import time
from bisect import bisect
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from benchmarks.limiter.server import Server, server
from vibewell_redis import Decision, RateLimiter, Settings
from vibewell_redis import asyncio as tasks

DEADLINE, LATE = 0.05, 0.02  # seconds
CALLERS, WATCHES = 8, 4
LONGEST = 2.0  # seconds that a sleeping thread is kept from running
FULL = 600.0  # seconds


def _waited_for_cpu() -> float:
    """Seconds that this thread has been able to run and had no processor (Linux' schedstat)."""
    return int(Path("/proc/thread-self/schedstat").read_text().split()[1]) / 1e9


class Judge:
    """The decisions of one limiter's callers, and how late this process is by itself."""

    def __init__(self, who: str) -> None:
        self.decided: Counter[str] = Counter()
        self._who = who
        self._late: list[tuple[float, float]] = []
        self._overslept: list[list[tuple[float, float]]] = [[] for _ in range(WATCHES)]
        for each in self._overslept:
            threading.Thread(target=self._watch, args=(each,), daemon=True).start()

    def hear(self, began: float, before: float, decision: Decision) -> None:
        """One decision that has just been made; `before` is what its thread had waited by then."""
        ended = time.monotonic()
        self.decided[f"{self._who}, {decision.source}"] += 1
        if ended - began > DEADLINE + LATE:
            self._late.append((began + _waited_for_cpu() - before, ended))

    def beyond(self) -> float:
        """Seconds beyond the deadline of the latest decision, less its own lateness."""
        worst = 0.0
        for began, ended in self._late:
            # They are in the order of time, and none is longer than this.
            own = max(
                sum(
                    late
                    for at, late in each[bisect(each, (began,)) : bisect(each, (ended + LONGEST,))]
                    if at - late < ended
                )
                for each in self._overslept
            )
            worst = max(worst, ended - began - DEADLINE - own)
        return worst

    def _watch(self, overslept: list[tuple[float, float]]) -> None:
        before = time.monotonic()
        while True:
            time.sleep(0.001)
            now = time.monotonic()
            if now - before > 0.003:
                overslept.append((now, now - before))
            before = now


def main(seconds: float) -> int:
    """The exit status."""
    with server() as node, ProcessPoolExecutor(2, get_context("spawn")) as processes:
        settings = node.settings
        until = time.monotonic() + seconds
        # Each in a process of its own: one interpreter's lock is not the other's lateness.
        judged = {
            who: processes.submit(judge, settings, until)
            for who, judge in {"threads": _threads, "tasks": _tasks}.items()
        }
        counts = _harm(node, until)
        beyond = {}
        for who, one in judged.items():
            decided, beyond[who] = one.result(60)
            counts += decided
    for name, number in sorted(counts.items()):
        print(f"{name:32} {number:9}")
    for who, late in beyond.items():
        print(f"{who:32} {1000 * late:6.1f} ms beyond the deadline, at most {1000 * LATE:.0f}")
    from_redis = all(counts[f"{who}, redis"] > 100 for who in beyond)
    return int(max(beyond.values()) > LATE or not from_redis)


def _threads(settings: Settings, until: float) -> tuple[Counter[str], float]:
    judge = Judge("threads")
    limiter = RateLimiter.from_settings(settings, deadline=DEADLINE, prefix="threads")
    limiter.connect()

    def work(number: int) -> None:
        while (began := time.monotonic()) < until:
            waited = _waited_for_cpu()
            judge.hear(began, waited, limiter.hit("general", user=f"{number}:{began:.0f}"))
            time.sleep(0.002)

    with ThreadPoolExecutor(CALLERS) as threads:
        list(threads.map(work, range(CALLERS)))
    limiter.close()
    return judge.decided, judge.beyond()


def _tasks(settings: Settings, until: float) -> tuple[Counter[str], float]:
    judge = Judge("tasks")

    async def work(limiter: tasks.RateLimiter, number: int) -> None:
        while (began := time.monotonic()) < until:
            waited = _waited_for_cpu()
            judge.hear(began, waited, await limiter.hit("general", user=f"{number}:{began:.0f}"))
            await asyncio.sleep(0.002)

    async def all_of_them() -> None:
        options: dict[str, Any] = {"deadline": DEADLINE, "prefix": "tasks"}
        async with tasks.RateLimiter.from_settings(settings, **options) as limiter:
            await asyncio.gather(*(work(limiter, number) for number in range(CALLERS)))

    asyncio.run(all_of_them())
    return judge.decided, judge.beyond()


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
