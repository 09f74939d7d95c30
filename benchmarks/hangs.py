"""`make bench-hangs`: both limiters in closed loops while a real server hangs at random.

usage: python -m benchmarks.hangs [SECONDS]

Each waits for its decisions, deadline 50 ms; the server is stopped, paused or emptied of its
script, and connections are cut, each for a random time. What is judged is how long a decision took
beyond its deadline, less the caller's own lateness after the deadline: that of a task which only
sleeps in the same event loop, or of four threads that only sleep in the same process, or what a
caller's thread waited for a processor: another one may hold the interpreter's lock meanwhile. The
exit status is 1 if one is later than 20 ms.
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
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from operator import itemgetter
from pathlib import Path
from typing import Any

from benchmarks.limiter.server import Server, server
from vibewell_redis import Decision, RateLimiter, Settings
from vibewell_redis import asyncio as tasks

DEADLINE, LATE = 0.05, 0.02  # seconds
CALLERS, WATCHES = 8, 4
TICK = 0.001  # seconds
FULL = 600.0  # seconds
_BEGIN, _END = itemgetter(0), itemgetter(1)
Judged = tuple[Counter[str], list[float], list[float]]


def _waited_for_cpu() -> float:
    """Seconds that this thread has been able to run and had no processor (Linux' schedstat)."""
    return int(Path("/proc/thread-self/schedstat").read_text().split()[1]) / 1e9


class OwnLateness:
    """How late this process is by itself: what those see that wait with the callers' timers.

    They wait for a millisecond again and again: threads, or a task of the callers' event loop. What
    the loop's thread computes meanwhile, as in a handshake of TLS, is the limiter's and no excuse.
    """

    def __init__(self) -> None:
        self._overslept: list[list[tuple[float, float]]] = []

    @contextmanager
    def watch_threads(self) -> Iterator[None]:
        """Threads that only wait, until the block ends."""
        over = threading.Event()
        for _ in range(WATCHES):
            threading.Thread(target=self._watch, args=(over,), daemon=True).start()
        try:
            yield
        finally:
            over.set()

    async def watch_loop(self) -> None:
        """Watch the running event loop until it is cancelled."""
        overslept, before, worked = self._seen(), time.monotonic(), time.thread_time()
        while True:
            await asyncio.sleep(TICK)
            now, cpu = time.monotonic(), time.thread_time()
            if (late := now - before - TICK - (cpu - worked)) > 2 * TICK:
                overslept.append((now - late, now))
            before, worked = now, cpu

    def during(self, due: float, ended: float) -> float:
        """Seconds between these two in which those who were to run did not: the most of any."""
        most = 0.0
        for each in self._overslept:  # in the order of time
            first, last = bisect(each, due, key=_END), bisect(each, ended, key=_BEGIN)
            late = sum(min(end, ended) - max(begin, due) for begin, end in each[first:last])
            most = max(most, late)
        return most

    def _seen(self) -> list[tuple[float, float]]:
        self._overslept.append([])
        return self._overslept[-1]

    def _watch(self, over: threading.Event) -> None:
        overslept = self._seen()
        while not over.is_set():
            due = time.monotonic() + TICK
            time.sleep(TICK)
            if (now := time.monotonic()) - due > 2 * TICK:
                overslept.append((due, now))


class Judge:
    """The decisions of one limiter's callers, and those of them that reached the deadline."""

    def __init__(self, who: str) -> None:
        self.decided: Counter[str] = Counter()
        self.own = OwnLateness()
        self._who = who
        self._at_deadline: list[tuple[float, float]] = []
        # Decisions whose thread had no processor for a while: begin, end, and how long that was.
        self._held_up: list[tuple[float, float, float]] = []

    def hear(self, began: float, decision: Decision, waited: float = 0.0) -> None:
        """One decision that has just been made; its thread has waited so long for a processor."""
        ended, due = time.monotonic(), began + DEADLINE
        self.decided[f"{self._who}, {decision.source}"] += 1
        if ended > due:
            self._at_deadline.append((due, ended))
        if waited > 2 * TICK:
            self._held_up.append((began, ended, waited))

    def beyond(self) -> tuple[list[float], list[float]]:
        """Seconds beyond the deadline, in order: as they were, and less their own lateness."""
        raw = [ended - due for due, ended in self._at_deadline]
        own = [
            max(self.own.during(*times), self._longest_hold(*times)) for times in self._at_deadline
        ]
        return sorted(raw), sorted(max(a - b, 0.0) for a, b in zip(raw, own, strict=True))

    def _longest_hold(self, due: float, ended: float) -> float:
        """Seconds between these two in which a caller's thread may have had no processor."""
        held = self._held_up  # in the order of their ends, but for a moment
        near = held[bisect(held, due - LATE, key=_END) : bisect(held, ended + 1.0, key=_END)]
        each = (min(ended - begin, end - due, ended - due, waited) for begin, end, waited in near)
        return max(each, default=0.0)


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
        beyond: dict[str, list[list[float]]] = {}
        for who, one in judged.items():
            decided, *beyond[who] = one.result(60)
            counts += decided
    for name, number in sorted(counts.items()):
        print(f"{name:32} {number:9}")
    for who, (raw, less_own) in beyond.items():
        for name, each in ((who, raw), (f"{who}, less own lateness", less_own)):
            p50, p99, most = (1000 * each[int(part * (len(each) - 1))] for part in (0.5, 0.99, 1))
            print(f"{name:32} {len(each):9} beyond the deadline by {p50:.1f} ms at the median,")
            print(f"{'':42} {p99:.1f} at the 99th percentile, {most:.1f} at most")
    print(f"load {os.getloadavg()[0]:.1f}; at most {1000 * LATE:.0f} ms less own lateness is right")
    from_redis = all(counts[f"{who}, redis"] > 100 for who in beyond)
    late = max(less_own[-1] for _, less_own in beyond.values())
    return int(late > LATE or not from_redis)


def _threads(settings: Settings, until: float) -> Judged:
    judge = Judge("threads")
    limiter = RateLimiter.from_settings(settings, deadline=DEADLINE, prefix="threads")
    limiter.connect()

    def work(number: int) -> None:
        while (began := time.monotonic()) < until:
            before = _waited_for_cpu()
            decision = limiter.hit("general", user=f"{number}:{began:.0f}")
            judge.hear(began, decision, _waited_for_cpu() - before)
            time.sleep(0.002)

    with judge.own.watch_threads(), ThreadPoolExecutor(CALLERS) as threads:
        list(threads.map(work, range(CALLERS)))
    limiter.close()
    return judge.decided, *judge.beyond()


def _tasks(settings: Settings, until: float) -> Judged:
    judge = Judge("tasks")

    async def work(limiter: tasks.RateLimiter, number: int) -> None:
        while (began := time.monotonic()) < until:
            judge.hear(began, await limiter.hit("general", user=f"{number}:{began:.0f}"))
            await asyncio.sleep(0.002)

    async def all_of_them() -> None:
        options: dict[str, Any] = {"deadline": DEADLINE, "prefix": "tasks"}
        watch = asyncio.create_task(judge.own.watch_loop())
        async with tasks.RateLimiter.from_settings(settings, **options) as limiter:
            await asyncio.gather(*(work(limiter, number) for number in range(CALLERS)))
        watch.cancel()

    asyncio.run(all_of_them())
    return judge.decided, *judge.beyond()


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
