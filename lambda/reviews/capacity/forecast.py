"""One measure with its history and outlook, and what it says in words."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum, auto
from itertools import pairwise
from typing import Any

from reviews.capacity.trend import Trend, fit, last_step
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


def lines(document: Mapping[str, Any]) -> dict[str, Line]:
    """The template's JSON by the measure's name. Raises TypeError if it does not fit."""
    return {name: Line(**line) for name, line in document.items()}


def daily_peaks(measure: Measure, hours: Iterable[Series]) -> dict[date, float]:
    """The highest hour of each day in UTC, on whichever node it was."""
    peaks: dict[date, float] = {}
    for series in hours:
        for moment, value in series.items():
            day, figure = moment.date(), value * measure.factor
            peaks[day] = max(figure, peaks.get(day, figure))
    return peaks


def measured(known: Sequence[Measure], handed: Mapping[str, Line]) -> list[tuple[Measure, Line]]:
    """The measures that have a line. Raises KeyError for a line that no measure knows."""
    strange = handed.keys() - {one.name for one in known}
    if strange:
        raise KeyError(f"nothing is measured for {', '.join(sorted(strange))}")
    return [(one, handed[one.name]) for one in known if one.name in handed]


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
    ahead = list(_days(last, horizon))

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


def _days(last: date, horizon: date) -> Iterator[date]:
    day = last
    while day < horizon:
        day += DAY
        yield day


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
        if self.outlook.kind is Kind.ABOVE:
            return True
        on = self.outlook.on
        soon = self.today + timedelta(days=SOON_DAYS)
        return self.outlook.kind is Kind.CROSSES and on is not None and on <= soon

    @property
    def blind(self) -> bool:
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
    if forecast.blind:
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
    earliest = f"earliest {_said(found.earliest)}"
    if found.latest is None:
        return f" ({earliest}, perhaps not before {_said(found.horizon)})"
    return f" ({earliest}, latest {_said(found.latest)})"


def _said(day: date | None) -> str:
    # Each kind of outlook has its days: one without is a fault of ours, and is seen as such.
    return long_date(day) if day else "an unknown day"
