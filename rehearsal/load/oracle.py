"""What an exact limiter may and must answer, from nothing but the answers and their times.

An answer was decided at some moment between its request's sending and its own coming. So a window
surely held too many if more than the limit were sent and answered within it; a denial was surely
wrong if fewer than the limit can have been in any window before it. Nothing else is a mistake, and
neither can be one by the accident of a slow answer.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from rehearsal.load.answer import Answer, Key
from rehearsal.load.plan import Tier

# Redis counts in whole milliseconds and its script takes one as its moment.
SLACK = 0.002  # seconds


class TooMany(NamedTuple):
    """A window that began then and surely held `admitted`."""

    key: Key
    begin: float
    admitted: int


@dataclass
class Found:
    """What was found of one tier. `most` is the fullest window's count, by "user" and "ip"."""

    admitted: int = 0
    denied: int = 0
    over: list[TooMany] = field(default_factory=list)
    under: list[Answer] = field(default_factory=list)
    most: dict[str, int] = field(default_factory=lambda: {"user": 0, "ip": 0})


class Log:
    """Admissions of one key."""

    def __init__(self, sure: Iterable[Answer], possible: Iterable[Answer]) -> None:
        known = list(sure)
        self._sent = sorted(one.sent for one in known)
        self._received = sorted(one.received for one in known)
        every = [*known, *possible]
        self._may_be_sent = sorted(one.sent for one in every)
        self._may_be_received = sorted(one.received for one in every)

    def fullest(self, seconds: float) -> tuple[int, float]:
        """The most admissions that were surely in one window, and when that began."""
        # Those that ended by then, less those that began before: never more than were within.
        counts = (
            (bisect_right(self._received, begin + seconds - SLACK) - place, begin)
            for place, begin in enumerate(self._sent)
        )
        return max(counts, default=(0, 0.0))

    def surely_in(self, begin: float, end: float) -> int:
        """How many were surely admitted in that time."""
        return bisect_right(self._received, end) - bisect_left(self._sent, begin)

    def possibly_before(self, answer: Answer, seconds: float) -> int:
        """How many can have been in the window that decided this answer."""
        begin = answer.sent - seconds - SLACK
        return bisect_right(self._may_be_sent, answer.received) - bisect_left(
            self._may_be_received, begin
        )


Logs = Mapping[Key, Log]


def logs(answers: Iterable[Answer], unsure: frozenset[Answer] = frozenset()) -> Logs:
    """The admissions by key.

    What the fallback decided may have been counted by Redis before its answer was given up, and so
    may what was never answered; what is `unsure` was counted, but may have been lost.
    """
    sure, possible = defaultdict[Key, list[Answer]](list), defaultdict[Key, list[Answer]](list)
    for answer in answers:
        if answer.exact and answer.denied:
            continue
        into = sure if answer.exact and answer not in unsure else possible
        for key in answer.keys:
            into[key].append(answer)
    return {key: Log(sure[key], possible[key]) for key in {*sure, *possible}}


def judge(
    answers: list[Answer], tiers: Mapping[str, Tier], unsure: frozenset[Answer] = frozenset()
) -> dict[str, Found]:
    """Every window and every denial of each tier."""
    found = {tier: Found() for tier in tiers}
    by_key = logs(answers, unsure)
    for key, log in by_key.items():
        requests, seconds = tiers[key.tier]
        tier = found[key.tier]
        most, begin = log.fullest(seconds)
        tier.most[key.kind] = max(tier.most[key.kind], most)
        if most > requests:
            tier.over.append(TooMany(key, begin, most))
    for answer in answers:
        tier = found[answer.tier]
        if not answer.exact:
            continue
        tier.admitted += answer.admitted
        tier.denied += answer.denied
        if answer.denied and not _justified(answer, by_key, tiers[answer.tier]):
            tier.under.append(answer)
    return found


def _justified(answer: Answer, by_key: Logs, tier: Tier) -> bool:
    requests, seconds = tier
    return any(
        log.possibly_before(answer, seconds) >= requests
        for log in map(by_key.get, answer.keys)
        if log is not None
    )
