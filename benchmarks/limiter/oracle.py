"""The oracle's verdict on a limit of so many requests in any window of each key."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rehearsal.oracle import Admissions, Span


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


def judge(
    answers: Sequence[Answer], limit: int, window: float, *, clock_error: float = 0.0
) -> Verdict:
    """The verdict on a limit of so many requests in any `window` seconds of each key.

    `clock_error` is by how many seconds the limiter's clock may have run differently; that too
    counts in the limiter's favour.
    """
    shortest, longest = window - clock_error, window + clock_error
    spans = defaultdict[str, list[Span]](list)
    for answer in answers:
        for key in answer.keys:
            spans[key] += [(answer.sent, answer.answered)] if answer.admitted else []
    admitted = {key: Admissions(found) for key, found in spans.items()}
    limits = {key: found.least_limit(shortest) for key, found in admitted.items()}
    worst = max(limits, key=limits.__getitem__, default="")
    most = limits.get(worst, 0)
    wrong = [
        answer
        for answer in answers
        if not answer.admitted
        and not any(
            admitted[key].may_be_full((answer.sent, answer.answered), limit, longest)
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
        uncertainty=_percentile([one.answered - one.sent for one in answers], 0.99),
    )


def _percentile(values: Iterable[float], part: float) -> float:
    ordered = sorted(values)
    return ordered[int(len(ordered) * part)] if ordered else 0.0
