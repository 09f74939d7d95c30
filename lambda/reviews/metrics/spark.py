"""A week as a small line beside last week's, for the eye: when, and how it differs."""

import math
from collections.abc import Mapping
from datetime import datetime, timedelta

from drawing.chart import Across, Axis, Line, Points, svg

HOURS = 168
HOUR = timedelta(hours=1)
WEEK = timedelta(days=7)
_MARGIN = 0.1  # of the highest value, above and below


def spark(
    figures: Mapping[datetime, float], start: datetime, warning: float | None, low: bool, name: str
) -> str:
    """The worst of each hour from ``start`` on, and of the week before in a softer colour."""
    now, before = _hours(figures, start, low), _hours(figures, start - WEEK, low)
    values = [value for _, value in (*now, *before)]
    if not values:
        return ""
    top = max([*values, 1e-9])
    lines = [Across("warning", warning)] if warning and 0 < warning <= 2 * top else []
    top = max([top, *(line.value for line in lines)])
    # An hour that is missing is a gap.
    parts = [*lines, Line("before", before, apart=1), Line("now", now, apart=1)]
    return svg(name, Axis(0, HOURS), Axis(-_MARGIN * top, (1 + _MARGIN) * top), parts, "spark")


def _hours(figures: Mapping[datetime, float], start: datetime, low: bool) -> Points:
    worst: dict[int, float] = {}
    for at, value in figures.items():
        hour = math.floor((at - start) / HOUR)
        if 0 <= hour < HOURS:
            worst[hour] = (min if low else max)(worst.get(hour, value), value)
    return sorted(worst.items())
