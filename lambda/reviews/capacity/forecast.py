"""One measure with its history, trend and outlook, and what it says in words.

The trend is one that a few odd days do not move. Theil-Sen: the slope is the median of the slopes
between all pairs of days. Its range is Sen's, from the distribution of Kendall's S (Sen 1968,
"Estimates of the Regression Coefficient Based on Kendall's Tau"), widened because a day resembles
the day before (Yue and Wang 2004, "The Mann-Kendall Test Modified by Effective Sample Size").
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum, auto
from itertools import combinations, pairwise
from statistics import NormalDist, median
from typing import Any

from reviews.report import amount, long_date
from reviews.series import Series

HOUR = 3600  # seconds; hours are kept for 455 days
_MEGABITS_A_SECOND = 8 / 1e6 / HOUR  # of bytes in an hour


@dataclass(frozen=True)
class Measure:
    """One metric of AWS/ElastiCache, of the node where it is highest.

    ``statistic`` is of an hour, ``factor`` leads to ``unit``, ``peak`` says what a day's peak is.
    """

    name: str
    title: str
    unit: str
    metric: str
    statistic: str
    peak: str
    factor: float = 1.0


_HOUR = "the day's busiest hour"
_MOMENT = "the day's highest minute"
# Processors and network lend for minutes what an hour must earn, so they are judged by the hour.
MEASURES = (
    Measure("memory", "Memory", "%", "DatabaseMemoryUsagePercentage", "Maximum", _MOMENT),
    Measure("engine-cpu", "Engine CPU", "%", "EngineCPUUtilization", "Average", _HOUR),
    Measure("host-cpu", "Host CPU", "%", "CPUUtilization", "Average", _HOUR),
    Measure("connections", "Connections", "", "CurrConnections", "Maximum", _MOMENT),
    Measure(
        "network-in", "Network in", "Mbit/s", "NetworkBytesIn", "Sum", _HOUR, _MEGABITS_A_SECOND
    ),
    Measure(
        "network-out", "Network out", "Mbit/s", "NetworkBytesOut", "Sum", _HOUR, _MEGABITS_A_SECOND
    ),
)


@dataclass(frozen=True)
class Line:
    """Where a measure's warning is, in its unit, and what to do when it gets there."""

    warning: float
    critical: float | None
    then: str


def daily_peaks(measure: Measure, hours: Iterable[Series]) -> dict[date, float]:
    """The highest hour of each day in UTC, on whichever node it was."""
    peaks: dict[date, float] = {}
    for series in hours:
        for moment, value in series.items():
            day, figure = moment.date(), value * measure.factor
            peaks[day] = max(figure, peaks.get(day, figure))
    return peaks


def measured(document: Mapping[str, Any]) -> list[tuple[Measure, Line]]:
    """The measures to which the template's JSON gives a line, by their name.

    Raises KeyError for a line that no measure knows, and TypeError if it does not fit.
    """
    if strange := document.keys() - {one.name for one in MEASURES}:
        raise KeyError(f"nothing is measured for {', '.join(sorted(strange))}")
    return [(one, Line(**document[one.name])) for one in MEASURES if one.name in document]


WEEK = 7  # every kind of day is on both sides
FEWEST_OF_STEPS = 4 * WEEK
_DEVIATIONS = 6.0  # of the usual difference between two weeks, which 90 days of noise do not reach
_SHARE_OF_LINE = 0.1  # a smaller step changes no decision
_TO_SIGMA = 1.4826  # from the median absolute deviation, for a normal distribution


def last_step(peaks: Mapping[date, float], line: float) -> date | None:
    """The first day of the newest level, or None where the level never changed at once.

    Compares the median of the week from a day on with that of the week before it. ``line`` is the
    metric's warning line.
    """
    days = sorted(peaks)
    if len(days) < FEWEST_OF_STEPS:
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
    lowest, highest = _slope_range(slopes, residuals)
    return Trend(middle, level, slope, lowest, highest, max(0.0, quantile(residuals, 0.9)))


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which ``share`` of them lie, between two of them in proportion."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def _slope_range(slopes: Sequence[float], residuals: Sequence[float]) -> tuple[float, float]:
    many, squares = len(residuals), sum(one * one for one in residuals)
    # How much a day resembles the day before: 0 not at all, 1 altogether.
    correlation = sum(a * b for a, b in pairwise(residuals)) / squares if squares else 0.0
    alike = min(_MOST_ALIKE, max(0.0, correlation))
    deviation = math.sqrt(many * (many - 1) * (2 * many + 5) / 18 * (1 + alike) / (1 - alike))
    reach = NormalDist().inv_cdf((1 + CONFIDENCE) / 2) * deviation / len(slopes) / 2
    return quantile(slopes, max(0.0, 0.5 - reach)), quantile(slopes, min(1.0, 0.5 + reach))


FEWEST_DAYS = 14  # each day of the week twice
FEWEST_OF_SPAN = 0.5  # of the days from the first to the last
FARTHEST_DAYS = 365
DAY = timedelta(days=1)


class Kind(Enum):
    """What can be said of a metric."""

    TOO_LITTLE = auto()  # not enough days to say anything
    ABOVE = auto()  # it is beyond the line already
    CROSSES = auto()  # it rises, beyond what noise explains, and reaches the line on a day
    MAY_CROSS = auto()  # no rise that noise could not explain, but the range reaches the line
    CLEAR = auto()  # not even the range reaches the line as far as one may look


@dataclass(frozen=True)
class Outlook:
    """``on`` is the day of the crossing, or since when the metric is above its line.

    ``earliest`` and ``latest`` are its range; a missing ``latest`` is none as far as ``horizon``.
    ``since`` is the first day that counts, ``changed`` whether the level changed at once then.
    """

    kind: Kind
    days: int
    since: date | None = None
    changed: bool = False
    horizon: date | None = None
    trend: Trend | None = None
    on: date | None = None
    earliest: date | None = None
    latest: date | None = None


def outlook(peaks: Mapping[date, float], line: float) -> Outlook:
    """What the daily peaks say about ``line``. It looks ahead twice as far as it looked back."""
    step = last_step(peaks, line)
    counted = {day: peak for day, peak in peaks.items() if step is None or day >= step}
    many = len(counted)
    if not counted:
        return Outlook(Kind.TOO_LITTLE, 0)
    first, last = min(counted), max(counted)
    span = (last - first).days + 1
    changed = step is not None
    if many < FEWEST_DAYS or many < FEWEST_OF_SPAN * span:
        return Outlook(Kind.TOO_LITTLE, many, first, changed)
    trend = fit(counted)
    horizon = last + timedelta(days=min(2 * span, FARTHEST_DAYS))
    ahead = [last + DAY * number for number in range(1, (horizon - last).days + 1)]

    def reached(level: Callable[[date], float]) -> date | None:
        return next((day for day in ahead if level(day) >= line), None)

    on, earliest, latest = (reached(level) for level in (trend.at, trend.upper, trend.lower))
    if trend.at(last) >= line:
        kind, on, earliest, latest = Kind.ABOVE, _since(counted, line), None, None
    elif trend.lowest > 0 and on:
        kind = Kind.CROSSES
    else:
        kind, on, latest = Kind.MAY_CROSS if earliest else Kind.CLEAR, None, None
    return Outlook(kind, many, first, changed, horizon, trend, on, earliest, latest)


def _since(peaks: Mapping[date, float], line: float) -> date:
    """The first of the days up to the last that were all above, but for single ones."""
    days = sorted(peaks, reverse=True)
    first = days[0]
    for before, day in pairwise(days):
        if peaks[day] < line and peaks[before] < line:
            break
        if peaks[day] >= line:
            first = day
    return first


SOON_DAYS = 60  # a purchase, a test and a maintenance window take weeks


@dataclass(frozen=True)
class Forecast:
    """What the report says of one measure, on the day ``today``."""

    measure: Measure
    line: Line
    peaks: Mapping[date, float]
    outlook: Outlook
    today: date

    @property
    def urgent(self) -> bool:
        """Whether somebody must act: it is beyond its line, or will be within SOON_DAYS."""
        # Only of a line that is crossed or was crossed is there a day.
        on, soon = self.outlook.on, self.today + timedelta(days=SOON_DAYS)
        return on is not None and on <= soon

    @property
    def no_data(self) -> bool:
        """Whether CloudWatch had nothing at all: then the report has no data at all."""
        return not self.peaks

    @property
    def newest(self) -> float | None:
        """The highest peak of the last seven days that have one."""
        last = sorted(self.peaks)[-7:]
        return max((self.peaks[day] for day in last), default=None)


def verdict(forecast: Forecast) -> str:
    """One sentence without the measure's name."""
    found, line = forecast.outlook, amount(forecast.line.warning, forecast.measure.unit)
    if forecast.no_data:
        return "has no data in CloudWatch"
    if found.kind is Kind.TOO_LITTLE:
        since = f" since the level changed on {_said(found.since)}" if found.changed else ""
        return f"not enough data{since}: {found.days} days, and {FEWEST_DAYS} are needed"
    if found.kind is Kind.ABOVE:
        return f"is above its warning line of {line} since {_said(found.on)}"
    if found.kind is Kind.CROSSES:
        return f"crosses {line} about {_said(found.on)}{_range(found)}"
    if found.kind is Kind.MAY_CROSS:
        return f"no clear trend; {line} not before {_said(found.earliest)}"
    return f"stays below {line} until {_said(found.horizon)} at least"


def _range(found: Outlook) -> str:
    if found.earliest == found.latest:
        return ""
    latest = f"latest {_said(found.latest)}"
    if found.latest is None:
        latest = f"perhaps not before {_said(found.horizon)}"
    return f" (earliest {_said(found.earliest)}, {latest})"


def _said(day: date | None) -> str:
    # Each kind of outlook has its days: one without is a fault of ours, and is seen as such.
    return long_date(day) if day else "an unknown day"
