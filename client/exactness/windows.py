"""The oracle's verdict on a limit of so many requests in any window of each key."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from exactness import Admissions, Span


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
