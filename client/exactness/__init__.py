"""Whether what a limiter answered can be right, whatever happened between question and answer.

A request was decided at some moment between when it was sent and when it was answered, and only
the limiter knows when. So nothing here compares moments that were guessed: a limiter is found
guilty only if no choice of moments would acquit it.

Both are proven as benchmarks/limiter/README.md describes: over-admission by the earliest moments
that keep the limit (`least_limit`), a wrong denial by too few admissions in its window.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

Span = tuple[float, float]  # when a request was sent and when it was answered, in seconds


class Admissions:
    """The admissions of one key: those that are sure, and those that may have been counted."""

    def __init__(self, sure: Iterable[Span], possible: Iterable[Span] = ()) -> None:
        known = list(sure)
        self._sent, self._answered = _sorted(known)
        self._may_be_sent, self._may_be_answered = _sorted([*known, *possible])

    def fullest(self, window: float) -> tuple[int, float]:
        """The most admissions that were surely in one window, and when that began."""
        # Those that ended by then, less those that began before: never more than were within.
        counts = (
            (bisect_right(self._answered, begin + window) - place, begin)
            for place, begin in enumerate(self._sent)
        )
        return max(counts, default=(0, 0.0))

    def surely_in(self, begin: float, end: float) -> int:
        """How many were surely admitted in that time."""
        return bisect_right(self._answered, end) - bisect_left(self._sent, begin)

    def possibly_in(self, begin: float, end: float) -> int:
        """How many may have been admitted in that time."""
        return bisect_right(self._may_be_sent, end) - bisect_left(self._may_be_answered, begin)

    def least_limit(self, window: float) -> int:
        """The smallest limit that may have been kept."""
        limits = range(1, len(self._sent))  # all of them fit into any greater one
        kept = bisect_left(limits, True, key=lambda limit: self._may_be_kept(limit, window))
        return kept + bool(self._sent)

    def _may_be_kept(self, limit: int, window: float) -> bool:
        decided: list[float] = []
        for number, (earliest, latest) in enumerate(zip(self._sent, self._answered, strict=True)):
            moment = earliest
            if number >= limit:
                moment = max(moment, decided[number - limit] + window)
            if moment > latest:
                return False
            decided.append(moment)
        return True

    def may_be_full(self, denied: Span, limit: int, window: float) -> bool:
        """Whether a denial between these moments may have been right."""
        sent, answered = self._may_be_sent, self._may_be_answered
        first, last = (bisect_right(sent, moment) for moment in denied)
        # The count grows only where another one was sent: no other moment needs a look.
        return any(
            bisect_right(sent, moment) - bisect_left(answered, moment - window) >= limit
            for moment in (denied[0], *sent[first:last])
        )


def _sorted(spans: Iterable[Span]) -> tuple[list[float], list[float]]:
    known = list(spans)
    return sorted(sent for sent, _ in known), sorted(answered for _, answered in known)


class Answer(NamedTuple):
    """One request: the keys it was limited by, when it was sent and answered (seconds), and how."""

    keys: tuple[str, ...]
    sent: float
    answered: float
    admitted: bool


@dataclass(frozen=True)
class Verdict:
    """What can be proven against a limiter."""

    requests: int
    admitted: int
    worst_key: str
    worst_limit: int  # the smallest limit that could have admitted what the worst key was
    over_admission: float  # how much that is above the limit, as a share of the limit
    denied_wrongly: int


def judge(answers: Sequence[Answer], limit: int, window: float) -> Verdict:
    """The verdict on a limit of so many requests in any `window` seconds of each key."""
    spans = defaultdict[str, list[Span]](list)
    for answer in answers:
        for key in answer.keys:
            spans[key] += [(answer.sent, answer.answered)] if answer.admitted else []
    admitted = {key: Admissions(found) for key, found in spans.items()}
    limits = {key: found.least_limit(window) for key, found in admitted.items()}
    worst = max(limits, key=limits.__getitem__, default="")
    most = limits.get(worst, 0)
    wrong = [
        answer
        for answer in answers
        if not answer.admitted
        and not any(
            admitted[key].may_be_full((answer.sent, answer.answered), limit, window)
            for key in answer.keys
        )
    ]
    return Verdict(
        requests=len(answers),
        admitted=sum(answer.admitted for answer in answers),
        worst_key=worst,
        worst_limit=most,
        over_admission=max(0, most - limit) / limit,
        denied_wrongly=len(wrong),
    )
