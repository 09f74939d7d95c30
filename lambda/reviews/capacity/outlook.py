"""When a metric reaches its warning line, or why nobody can say."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum, auto
from itertools import pairwise

from reviews.capacity.steps import last_step
from reviews.capacity.trend import Trend, fit

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
