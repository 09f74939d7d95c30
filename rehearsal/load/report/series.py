"""From single answers to figures of each second."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable

from rehearsal.load.answer import Answer, Key
from rehearsal.load.judges.latency import percentile
from rehearsal.load.report.chart import Points


def per_second(answers: Iterable[Answer], end: float) -> Points:
    """How many were answered in each second."""
    counts = Counter(int(answer.received) for answer in answers)
    return [(second + 0.5, float(counts[second])) for second in range(int(end))]


def latencies(answers: Iterable[Answer], end: float) -> dict[str, Points]:
    """The application's response in each second that had answers: its spread, in milliseconds."""
    taken = defaultdict[int, list[float]](list)
    for answer in answers:
        taken[int(answer.received)].append(1000 * answer.response)
    kinds: dict[str, Callable[[list[float]], float]] = {
        "p50": lambda ordered: percentile(ordered, 50),
        "mean": lambda ordered: sum(ordered) / len(ordered),
        "p95": lambda ordered: percentile(ordered, 95),
        "p99": lambda ordered: percentile(ordered, 99),
    }
    seconds = [(second, sorted(taken[second])) for second in range(int(end)) if taken[second]]
    return {name: [(at + 0.5, of(times)) for at, times in seconds] for name, of in kinds.items()}


def in_window(answers: Iterable[Answer], key: Key, seconds: float, end: float) -> Points:
    """How many admissions by Redis were surely in one key's window, at every change."""
    admitted = [one for one in answers if one.admitted and one.exact and key in one.keys]
    came = sorted(one.received for one in admitted)
    left = sorted(one.sent + seconds for one in admitted)
    changes = sorted({0.0, end, *came, *(at for at in left if at < end)})
    return [(at, float(bisect_right(came, at) - bisect_right(left, at))) for at in changes]
