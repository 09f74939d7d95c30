"""Whether what a limiter answered can be right, whatever happened between question and answer.

A request was decided at some moment between when it was sent and when it was answered, and only
the limiter knows when. So nothing here compares moments that were guessed: a limiter is found
guilty only if no choice of moments would acquit it.

Over-admission. Take the admitted requests of a key. Sorted by the moments of their decisions, the
k-th of them was not decided before the k-th smallest of all times of sending, nor after the k-th
smallest of all times of answering. A limit of n in any window of w was kept only if the k-th
decision came at least w after the (k-n)-th. Going through them and deciding each as early as both
rules allow, a decision that would have to come after its latest moment proves that the limit was
broken. `least_limit` is the smallest n that this does not prove broken.

Wrong denial. A request that was denied at moment d is denied rightly if n admitted requests can lie
in the window that ends at d: those sent by d whose answer came no earlier than d - w. If there are
fewer than n for every moment between its sending and its answer, for each of its keys, it was
denied wrongly.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple


class Answer(NamedTuple):
    """One request: the keys it was limited by, when it was sent and answered (seconds), and how."""

    keys: tuple[str, ...]
    sent: float
    answered: float
    admitted: bool


@dataclass(frozen=True)
class Verdict:
    """What can be proven against a limiter; shares are parts of one."""

    requests: int
    admitted: int
    worst_key: str
    worst_limit: int  # the smallest limit that could have admitted what the worst key was
    over_admission: float  # how much that is above the limit, as a share of the limit
    denied_wrongly: int
    uncertainty: float  # seconds between question and answer, 99th percentile

    @property
    def denied_wrongly_share(self) -> float:
        """Of all requests."""
        return self.denied_wrongly / self.requests


@dataclass
class _Admitted:
    sent: list[float] = field(default_factory=list)
    answered: list[float] = field(default_factory=list)

    def sort(self) -> None:
        self.sent.sort()
        self.answered.sort()


def judge(
    answers: Sequence[Answer], limit: int, window: float, *, clock_error: float = 0.0
) -> Verdict:
    """The verdict on a limit of so many requests in any `window` seconds of each key.

    `clock_error` is by how many seconds the limiter's clock may have run differently; that too
    counts in the limiter's favour.
    """
    shortest, longest = window - clock_error, window + clock_error
    admitted: Mapping[str, _Admitted] = defaultdict(_Admitted)
    for answer in answers:
        if answer.admitted:
            for key in answer.keys:
                admitted[key].sent.append(answer.sent)
                admitted[key].answered.append(answer.answered)
    for one in admitted.values():
        one.sort()
    limits = {key: least_limit(one.sent, one.answered, shortest) for key, one in admitted.items()}
    worst = max(limits, key=limits.__getitem__, default="")
    most = limits.get(worst, 0)
    return Verdict(
        requests=len(answers),
        admitted=sum(answer.admitted for answer in answers),
        worst_key=worst,
        worst_limit=most,
        over_admission=max(0, most - limit) / limit,
        denied_wrongly=sum(_wrongly(answer, admitted, limit, longest) for answer in answers),
        uncertainty=_percentile([one.answered - one.sent for one in answers], 0.99),
    )


def least_limit(sent: Sequence[float], answered: Sequence[float], window: float) -> int:
    """The smallest limit that may have been kept; both sequences sorted."""
    low, high = 0, len(sent)
    while low < high:
        middle = (low + high) // 2
        if _may_be_kept(sent, answered, middle, window):
            high = middle
        else:
            low = middle + 1
    return low


def _may_be_kept(
    sent: Sequence[float], answered: Sequence[float], limit: int, window: float
) -> bool:
    if not limit:
        return not sent
    decided: list[float] = []
    for number, (earliest, latest) in enumerate(zip(sent, answered, strict=True)):
        moment = earliest
        if number >= limit:
            moment = max(moment, decided[number - limit] + window)
        if moment > latest:
            return False
        decided.append(moment)
    return True


def _wrongly(answer: Answer, admitted: Mapping[str, _Admitted], limit: int, window: float) -> bool:
    return not answer.admitted and not any(
        _may_be_full(admitted[key], answer, limit, window) for key in answer.keys
    )


def _may_be_full(key: _Admitted, answer: Answer, limit: int, window: float) -> bool:
    first, last = bisect_right(key.sent, answer.sent), bisect_right(key.sent, answer.answered)
    # The count grows only where another one was sent: no other moment needs a look.
    for moment in (answer.sent, *key.sent[first:last]):
        held = bisect_right(key.sent, moment) - bisect_left(key.answered, moment - window)
        if held >= limit:
            return True
    return False


def _percentile(values: Iterable[float], part: float) -> float:
    ordered = sorted(values)
    return ordered[int(len(ordered) * part)] if ordered else 0.0
