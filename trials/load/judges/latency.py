"""Line 3: the mean response at peak."""

from __future__ import annotations

import math
from collections.abc import Sequence

from trials.load.outcome import Outcome
from trials.load.verdict import Verdict

_MEAN = 0.050  # seconds: the plan's


def latency(outcome: Outcome) -> Verdict:
    """As the users saw it, waiting in the generator included, while all of them were there."""
    taken = sorted(answer.received - answer.sent for answer in outcome.peak)
    mean = sum(taken) / len(taken) if taken else math.inf
    ms = [f"p{share} {1000 * percentile(taken, share):.1f}" for share in (50, 95, 99)]
    faults = () if mean < _MEAN else (f"a mean of {1000 * mean:.1f} ms is not below 50 ms",)
    return Verdict(
        3, "mean response below 50 ms", f"mean {1000 * mean:.1f} ms, {', '.join(ms)} ms", faults
    )


def percentile(ordered: Sequence[float], share: float) -> float:
    """The smallest value that `share` percent do not exceed; infinite if there is none."""
    if not ordered:
        return math.inf
    return ordered[max(0, math.ceil(len(ordered) * share / 100) - 1)]
