"""Which admissions a node no longer holds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from heapq import heappop, heappush

from rehearsal.load.answer import Answer, Key
from rehearsal.load.held import Holding
from rehearsal.load.oracle import SLACK
from rehearsal.load.plan import Tier


@dataclass(frozen=True)
class Compared:
    """How many admissions were looked for, which of them one of their keys does not hold."""

    looked_for: int
    lost: tuple[Answer, ...]


def compare(
    answers: Iterable[Answer],
    holding: Holding,
    tiers: Mapping[str, Tier],
    *,
    answered_by: float,
) -> Compared:
    """Look for every admission that was answered by then and has not left its window since."""
    wanted = defaultdict[Key, list[Answer]](list)
    looked_for = 0
    for answer in answers:
        _, seconds = tiers[answer.tier]
        still_there = answer.sent > holding.read - seconds + SLACK
        if answer.admitted and answer.exact and answer.received <= answered_by and still_there:
            looked_for += 1
            for key in answer.keys:
                wanted[key].append(answer)
    lost = {
        answer
        for key, admitted in wanted.items()
        for answer in _unmatched(admitted, holding.times.get(key, []))
    }
    return Compared(looked_for, tuple(sorted(lost)))


def _unmatched(admitted: list[Answer], times: list[float]) -> list[Answer]:
    """Pair each time with an answer that it lies in; the answer that ends first goes first."""
    waiting: list[tuple[float, Answer]] = []
    coming = sorted(admitted, reverse=True)
    lost: list[Answer] = []
    for at in sorted(times):
        while coming and coming[-1].sent - SLACK <= at:
            answer = coming.pop()
            heappush(waiting, (answer.received + SLACK, answer))
        while waiting and waiting[0][0] < at:
            lost.append(heappop(waiting)[1])
        if waiting:
            heappop(waiting)
    return lost + [answer for _, answer in waiting] + coming
