"""The trend of daily peaks, by a method that a few odd days do not move.

Theil-Sen: the slope is the median of the slopes between all pairs of days. Its range is Sen's, from
the distribution of Kendall's S (Sen 1968, "Estimates of the Regression Coefficient Based on
Kendall's Tau"), widened because a day resembles the day before (Yue and Wang 2004, "The
Mann-Kendall Test Modified by Effective Sample Size").
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import combinations, pairwise
from statistics import NormalDist, median

WEEK = 7  # every kind of day is on both sides
FEWEST_DAYS = 4 * WEEK
_DEVIATIONS = 6.0  # of the usual difference between two weeks, which 90 days of noise do not reach
_SHARE_OF_LINE = 0.1  # a smaller step changes no decision
_TO_SIGMA = 1.4826  # from the median absolute deviation, for a normal distribution


def last_step(peaks: Mapping[date, float], line: float) -> date | None:
    """The first day of the newest level, or None where the level never changed at once.

    Compares the median of the week from a day on with that of the week before it. ``line`` is the
    metric's warning line.
    """
    days = sorted(peaks)
    if len(days) < FEWEST_DAYS:
        return None
    values = [peaks[day] for day in days]
    places = range(WEEK, len(days) - WEEK + 1)
    jumps = [median(values[at : at + WEEK]) - median(values[at - WEEK : at]) for at in places]
    usual = median(jumps)  # what a steady trend adds in a week
    spread = _TO_SIGMA * median(abs(jump - usual) for jump in jumps)
    enough = max(_DEVIATIONS * spread, _SHARE_OF_LINE * line)
    sizes = [abs(jump - usual) for jump in jumps]
    found = [number for number, size in enumerate(sizes) if size > enough]
    if not found:
        return None
    near = [number for number in found if number > found[-1] - WEEK]
    around = [places[number] for number in near]
    return days[max(around, key=lambda at: abs(values[at] - values[at - 1]))]


CONFIDENCE = 0.9  # of the slope's range
_MOST_ALIKE = 0.9  # beyond, the range would be of no use and the estimate of it is none


@dataclass(frozen=True)
class Trend:
    """A line through ``level`` at ``middle``; slopes are the metric's unit a day.

    ``scatter`` is how far above the line nine of ten days stay.
    """

    middle: float  # as date.toordinal, between two days where their number is even
    level: float
    slope: float
    lowest: float
    highest: float
    scatter: float

    def at(self, day: date) -> float:
        """The typical peak of a day."""
        return self._on(day, self.slope)

    def upper(self, day: date) -> float:
        """A high peak of a day, should the slope be the highest of its range."""
        return self._on(day, self.highest) + self.scatter

    def lower(self, day: date) -> float:
        """The typical peak of a day, should the slope be the lowest of its range."""
        return self._on(day, self.lowest)

    def _on(self, day: date, slope: float) -> float:
        return self.level + slope * (day.toordinal() - self.middle)


def fit(peaks: Mapping[date, float]) -> Trend:
    """The trend of at least three daily peaks; days may be missing between them."""
    points = [(day.toordinal(), peak) for day, peak in sorted(peaks.items())]
    slopes = sorted((b - a) / (t - s) for (s, a), (t, b) in combinations(points, 2))
    slope, middle = median(slopes), median(at for at, _ in points)
    level = median(value - slope * (at - middle) for at, value in points)
    residuals = [value - level - slope * (at - middle) for at, value in points]
    lowest, highest = _range(slopes, residuals)
    return Trend(middle, level, slope, lowest, highest, max(0.0, quantile(residuals, 0.9)))


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which ``share`` of them lie, between two of them in proportion."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def _range(slopes: Sequence[float], residuals: Sequence[float]) -> tuple[float, float]:
    many = len(residuals)
    alike = min(_MOST_ALIKE, max(0.0, _correlation(residuals)))
    deviation = math.sqrt(many * (many - 1) * (2 * many + 5) / 18 * (1 + alike) / (1 - alike))
    reach = NormalDist().inv_cdf((1 + CONFIDENCE) / 2) * deviation / len(slopes) / 2
    return quantile(slopes, max(0.0, 0.5 - reach)), quantile(slopes, min(1.0, 0.5 + reach))


def _correlation(residuals: Sequence[float]) -> float:
    """How much a day resembles the day before: 0 not at all, 1 altogether."""
    squares = sum(one * one for one in residuals)
    return sum(a * b for a, b in pairwise(residuals)) / squares if squares else 0.0
