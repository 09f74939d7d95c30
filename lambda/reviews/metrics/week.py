"""What a week of figures comes down to."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import fmean

from reviews.capacity.trend import quantile
from reviews.metrics.measures import PERIOD, Measure

_OFTEN = 0.95  # nineteen of twenty periods are better


@dataclass(frozen=True)
class Week:
    """``often`` is what nineteen of twenty periods stay within, ``worst`` the worst of them.

    ``beyond`` is the share of the periods beyond the warning line, ``total`` their sum where they
    are counts a minute.
    """

    mean: float
    often: float
    worst: float
    beyond: float
    total: float


def week(measure: Measure, figures: Sequence[float]) -> Week | None:
    """Of figures of one week; None where there are none."""
    if not figures:
        return None
    low = measure.beyond == "below"
    return Week(
        mean=fmean(figures),
        often=quantile(figures, 1 - _OFTEN if low else _OFTEN),
        worst=min(figures) if low else max(figures),
        beyond=sum(is_beyond(measure, one) for one in figures) / len(figures),
        total=sum(figures) * PERIOD / 60,
    )


@dataclass(frozen=True)
class Compared:
    """A measure this week and last week."""

    measure: Measure
    now: Week | None
    before: Week | None

    @property
    def silent(self) -> bool:
        """Whether CloudWatch has none of what nodes always send.

        A share has no figures without traffic, and of our own functions' an alarm tells.
        """
        sent = self.measure.of_nodes and self.measure.combined != "share"
        return sent and self.now is None

    @property
    def often_beyond(self) -> bool:
        """Whether it was beyond its line for more than one period in twenty."""
        return self.now is not None and is_beyond(self.measure, self.now.often)

    @property
    def nearness(self) -> float:
        """How much of the way to its line the worst moment went: 1 is there, 0 has no line.

        Of the nodes' figures alone: those of our functions rise to their lines by design, as the
        token's age does.
        """
        line, low = self.measure.warning, self.measure.beyond == "below"
        if not self.measure.of_nodes or self.now is None or not line:
            return 0.0
        worst = self.now.worst
        if low:
            return line / worst if worst > 0 else math.inf
        return worst / line


def is_beyond(measure: Measure, value: float) -> bool:
    """Whether a value is beyond the measure's warning line, should it have one."""
    if measure.warning is None:
        return False
    return value < measure.warning if measure.beyond == "below" else value > measure.warning


def compared(measure: Measure, figures: Mapping[datetime, float], now_from: datetime) -> Compared:
    """The figures from ``now_from`` beside those before it."""
    now = [value for at, value in figures.items() if at >= now_from]
    before = [value for at, value in figures.items() if at < now_from]
    return Compared(measure, week(measure, now), week(measure, before))
