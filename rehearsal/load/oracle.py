"""The oracle's verdict tier by tier, with what the fallback decided and what a loss took."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from exactness import Admissions, Span
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
