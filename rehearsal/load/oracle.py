"""Which decisions were wrong, what a loss took, and what the fallback decided."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import NamedTuple

from exactness import Admissions, Span
from rehearsal.load.outcome import Answer, Holding, Key, Outcome, Sample
from rehearsal.load.plan import Tier
from rehearsal.load.sampling import MACHINE

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


Logs = Mapping[Key, Admissions]


def logs(answers: Iterable[Answer], unsure: frozenset[Answer] = frozenset()) -> Logs:
    """The admissions by key.

    What the fallback decided may have been counted by Redis before its answer was given up, and so
    may what was never answered; what is `unsure` was counted, but may have been lost.
    """
    sure, possible = defaultdict[Key, list[Span]](list), defaultdict[Key, list[Span]](list)
    for answer in answers:
        if answer.exact and answer.denied:
            continue
        into = sure if answer.exact and answer not in unsure else possible
        for key in answer.keys:
            into[key].append((answer.sent, answer.received))
    return {key: Admissions(sure[key], possible[key]) for key in {*sure, *possible}}


def judge(
    answers: list[Answer], tiers: Mapping[str, Tier], unsure: frozenset[Answer] = frozenset()
) -> dict[str, Found]:
    """Every window and every denial of each tier."""
    found = {tier: Found() for tier in tiers}
    by_key = logs(answers, unsure)
    for key, log in by_key.items():
        requests, seconds = tiers[key.tier]
        tier = found[key.tier]
        most, begin = log.fullest(seconds - SLACK)
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
    # Not `may_be_full`: what a lost node was asked may be counted twice, or after it was given up.
    requests, seconds = tier
    return any(
        log.possibly_in(answer.sent - seconds - SLACK, answer.received) >= requests
        for log in map(by_key.get, answer.keys)
        if log is not None
    )


@dataclass(frozen=True)
class Compared:
    """How many admissions were looked for, which of them one of their keys does not hold."""

    looked_for: int
    lost: tuple[Answer, ...]


def compare(
    answers: Iterable[Answer], holding: Holding, tiers: Mapping[str, Tier], *, answered_by: float
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


@dataclass(frozen=True)
class Recovery:
    """`back` is when the last instance had a decision of Redis' again, None if never.

    It is the application's time, not that of the generator's reading. Until then `admitted` and
    `denied` are what the fallback decided, tier by tier.
    """

    back: float | None
    admitted: dict[str, int]
    denied: dict[str, int]


def recovery(outcome: Outcome) -> Recovery:
    """From the requests that the application began with after the kill."""
    firsts: dict[int, float] = {}
    for answer in outcome.answers:
        if answer.source == "redis" and (answer.began or answer.sent) > outcome.primary.gone:
            first = firsts.get(answer.instance, math.inf)
            firsts[answer.instance] = min(first, answer.answered or answer.received)
    complete = len(firsts) == outcome.plan.instances
    back = max(firsts.values()) if complete else None
    begin, end = outcome.primary.before, math.inf if back is None else back
    gap = [one for one in fallbacks(outcome) if one.received >= begin and one.sent <= end]
    tiers = outcome.plan.tiers
    return Recovery(
        back,
        {tier: sum(one.admitted for one in gap if one.tier == tier) for tier in tiers},
        {tier: sum(one.denied for one in gap if one.tier == tier) for tier in tiers},
    )


def fallbacks(outcome: Outcome) -> list[Answer]:
    """What was decided without Redis because it was away, or too slow."""
    return [answer for answer in outcome.answers if answer.source == "fallback"]


def strays(outcome: Outcome) -> int:
    """How often the fallback decided although the primary was there."""
    gap = recovery(outcome)
    return len(fallbacks(outcome)) - sum(gap.admitted.values()) - sum(gap.denied.values())


QUIET = 0.3  # cores: what other programs may use of a machine that counts as quiet


def cores(outcome: Outcome, program: str) -> float:
    """What this program used on the average."""
    return _mean(outcome, lambda sample: sample.cores.get(program, 0.0))


def used_by_others(outcome: Outcome) -> float:
    """What others used, which the load test's times pay for; the nodes' forwarder is another."""
    return max(0.0, _mean(outcome, _taken))


def _taken(sample: Sample) -> float:
    ours = sum(cores for name, cores in sample.cores.items() if name != MACHINE)
    return sample.cores[MACHINE] - ours - sum(node.cores for node in sample.nodes.values())


def _mean(outcome: Outcome, of: Callable[[Sample], float]) -> float:
    plan = outcome.plan
    found = [of(one) for one in outcome.samples if plan.all_there <= one.at < plan.end]
    return sum(found) / len(found) if found else 0.0
