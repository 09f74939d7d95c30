"""A week as a small line beside last week's, for the eye: when, and how it differs."""

import math
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

WIDTH, HEIGHT, MARGIN = 168, 34, 3.0  # a pixel an hour
HOUR = timedelta(hours=1)
WEEK = timedelta(days=7)


def spark(
    figures: Mapping[datetime, float], start: datetime, warning: float | None, low: bool, name: str
) -> str:
    """The worst of each hour from ``start`` on, and of the week before in a softer colour."""
    now, before = _hours(figures, start, low), _hours(figures, start - WEEK, low)
    values = [*now.values(), *before.values()]
    if not values:
        return ""
    top = max([*values, 1e-9])
    drawn = warning is not None and 0 < warning <= 2 * top
    if drawn and warning is not None:
        top = max(top, warning)
    size = f'viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none"'
    line = f'<path class="warning" d="M0 {_y(warning or 0, top)}H{WIDTH}"/>' if drawn else ""
    return (
        f'<svg class="spark" {size} role="img" aria-label="{name}">{line}'
        f'<path class="before" d="{_path(before, top)}"/>'
        f'<path class="now" d="{_path(now, top)}"/></svg>'
    )


def _hours(figures: Mapping[datetime, float], start: datetime, low: bool) -> dict[int, float]:
    found: dict[int, float] = {}
    for at, value in figures.items():
        hour = math.floor((at - start) / HOUR)
        if 0 <= hour < WIDTH:
            worst = found.get(hour, value)
            found[hour] = min(worst, value) if low else max(worst, value)
    return found


def _path(hours: Mapping[int, float], top: float) -> str:
    return "".join(_points(hours, top))


def _points(hours: Mapping[int, float], top: float) -> Iterator[str]:
    before = None
    for hour in sorted(hours):
        # An hour that is missing is a gap.
        yield f"{'L' if before == hour - 1 else 'M'}{hour} {_y(hours[hour], top)}"
        before = hour


def _y(value: float, top: float) -> str:
    return f"{HEIGHT - MARGIN - value / top * (HEIGHT - 2 * MARGIN):.1f}"
