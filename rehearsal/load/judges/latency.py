"""Line 3: the mean response at peak."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rehearsal.load.others import QUIET, cores, used_by_others
from rehearsal.load.outcome import Outcome
from rehearsal.load.verdict import Verdict

_MEAN = 0.050  # seconds: the plan's
_OURS = 0.025  # seconds, while nothing else uses the machine


def latency(outcome: Outcome) -> Verdict:
    """The application's own, while all users are there; the limiter and the generator apart."""
    peak = outcome.peak
    response = [answer.response for answer in peak]
    mean = sum(response) / len(response) if response else math.inf
    slow = []
    if mean >= _MEAN:
        slow.append(f"a mean of {1000 * mean:.1f} ms is not below 50 ms")
    elif mean >= _OURS and used_by_others(outcome) < QUIET:
        slow.append(f"a mean of {1000 * mean:.1f} ms on a quiet machine is not below 25 ms")
    limited = sorted(answer.limited for answer in peak)
    deadline = outcome.plan.deadline_ms
    if 1000 * percentile(limited, 99) > deadline:
        slow.append(f"more than 1 % of the decisions took longer than their {deadline} ms")
    used, beside = (cores(outcome, program) for program in ("generator", "the measuring"))
    told = {
        "application": response,
        "of which the limiter": limited,
        "as the users saw it": [answer.received - answer.sent for answer in peak],
        f"generator ({used:.2f} cores, the measuring {beside:.2f}): sent late by": [
            answer.late for answer in peak
        ],
        "generator: read answers late by": [answer.unread for answer in peak],
    }
    return Verdict(
        3,
        "mean response of the application below 50 ms",
        "\n".join(f"{what}: {_spread(times)}" for what, times in told.items()),
        slow=tuple(slow),
    )


def percentile(ordered: Sequence[float], share: float) -> float:
    """The smallest value that `share` percent do not exceed; infinite if there is none."""
    if not ordered:
        return math.inf
    return ordered[max(0, math.ceil(len(ordered) * share / 100) - 1)]


def _spread(times: Sequence[float]) -> str:
    """Their mean, and what most do not exceed, in milliseconds."""
    taken = sorted(1000 * one for one in times)
    mean = sum(taken) / len(taken) if taken else math.inf
    shares = ", ".join(f"p{share} {percentile(taken, share):.1f}" for share in (50, 95, 99))
    return f"mean {mean:.1f}, {shares} ms"
