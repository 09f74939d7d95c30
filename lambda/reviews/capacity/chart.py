"""A measure's chart as SVG, in the page's own colours: history, trend, range, lines, crossing.

Its texts keep a legible size because the page never shows it smaller than three quarters.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from html import escape

from reviews.capacity.axes import DateAxis, ValueAxis
from reviews.capacity.forecast import Forecast, verdict
from reviews.capacity.outlook import Kind
from reviews.capacity.trend import Trend
from reviews.format import amount, short_date

WIDTH, HEIGHT = 460.0, 230.0
LEFT, RIGHT, TOP, BOTTOM = 44.0, 448.0, 22.0, 202.0
_AHEAD = timedelta(days=45)  # is shown at least, so that one sees where it goes
_BEYOND = timedelta(days=10)  # after a crossing
_LABEL, _LABEL_HEIGHT = 130.0, 22.0  # room for a text
_FAR = 1.6  # a critical line farther above everything else would flatten it


def svg(forecast: Forecast) -> str:
    """The chart; a measure without any peak has none."""
    if not forecast.peaks:
        return ""
    dates, values = _axes(forecast)
    label = f"{forecast.measure.title}: {verdict(forecast)}"
    parts = [
        f'<svg viewBox="0 0 {WIDTH:g} {HEIGHT:g}" role="img" aria-label="{escape(label)}">',
        *_grid(dates, values),
        *_ahead(forecast, dates, values),
        *_history(forecast, dates, values),
        *_lines(forecast, dates, values),
        *_crossing(forecast, dates, values),
        "</svg>",
    ]
    return "".join(parts)


def shows_critical(forecast: Forecast) -> bool:
    """Whether the critical line is near enough to be drawn."""
    line = forecast.line
    if line.critical is None:
        return False
    return line.critical <= _FAR * max(line.warning, *forecast.peaks.values())


def _axes(forecast: Forecast) -> tuple[DateAxis, ValueAxis]:
    found, first, last = forecast.outlook, min(forecast.peaks), max(forecast.peaks)
    seen = [day for day in (found.on, found.earliest, found.latest) if day and day > last]
    end = max(last + _AHEAD, *(day + _BEYOND for day in seen)) if seen else last + _AHEAD
    if found.horizon:
        end = min(end, max(found.horizon, last + _AHEAD))
    tops = [*forecast.peaks.values(), forecast.line.warning]
    if shows_critical(forecast) and forecast.line.critical is not None:
        tops.append(forecast.line.critical)
    top = 100.0 if forecast.measure.unit == "%" and max(tops) > 50 else 1.08 * max(tops)
    return DateAxis(first, end, LEFT, RIGHT), ValueAxis.up_to(top, BOTTOM, TOP)


def _grid(dates: DateAxis, values: ValueAxis) -> Iterator[str]:
    for value in values.ticks:
        y = values.y(value)
        yield f'<path class="grid" d="M{LEFT:g} {y:.1f}H{RIGHT:g}"/>'
        yield f'<text class="up" x="{LEFT - 6:g}" y="{y + 4:.1f}">{_tick(value)}</text>'
    for day, text in dates.ticks():
        x = dates.x(day)
        yield f'<path class="tick" d="M{x:.1f} {BOTTOM:g}v4"/>'
        yield f'<text class="on" x="{x:.1f}" y="{BOTTOM + 17:g}">{escape(text)}</text>'


def _history(forecast: Forecast, dates: DateAxis, values: ValueAxis) -> Iterator[str]:
    days = sorted(forecast.peaks)
    points = [f"{dates.x(day):.1f} {values.y(forecast.peaks[day]):.1f}" for day in days]
    # A day that is missing is a gap in the line, and nothing is guessed into it.
    path = "".join(
        ("L" if number and day - days[number - 1] == timedelta(days=1) else "M") + point
        for number, (day, point) in enumerate(zip(days, points, strict=True))
    )
    yield f'<path class="peaks" d="{path}"/>'
    # Points of no length, drawn with round ends: one element for ninety dots.
    yield f'<path class="dots" d="{"".join(f"M{point}h0" for point in points)}"/>'


def _ahead(forecast: Forecast, dates: DateAxis, values: ValueAxis) -> Iterator[str]:
    found, last = forecast.outlook, max(forecast.peaks)
    if found.since and found.changed:
        x = dates.x(found.since)
        yield f'<path class="today" d="M{x:.1f} {BOTTOM:g}V{TOP:g}"/>'
        words = f"changed {short_date(found.since)}"
        yield _text("note", x, TOP - 7, words, before=x - LEFT > _LABEL)
    if found.trend is None or found.since is None:
        return
    trend, end = found.trend, dates.last
    if found.horizon:
        end = min(end, found.horizon)
    yield _band(trend, last, end, dates, values)
    yield f'<path class="trend" d="{_straight(trend, found.since, last, dates, values)}"/>'
    yield f'<path class="trend dashed" d="{_straight(trend, last, end, dates, values)}"/>'
    x = dates.x(last)
    yield f'<path class="today" d="M{x:.1f} {BOTTOM:g}V{TOP:g}"/>'
    yield _text("note", x, TOP - 7, "now", before=False)


def _band(trend: Trend, last: date, end: date, dates: DateAxis, values: ValueAxis) -> str:
    # Day by day, so that what would leave the chart runs along its edge instead.
    days = [last + timedelta(days=number) for number in range((end - last).days + 1)]
    edge = [(day, trend.upper(day)) for day in days]
    edge += [(day, trend.lower(day)) for day in reversed(days)]
    points = " ".join(f"{dates.x(day):.1f},{values.y(value):.1f}" for day, value in edge)
    return f'<polygon class="range" points="{points}"/>'


def _straight(trend: Trend, start: date, end: date, dates: DateAxis, values: ValueAxis) -> str:
    # It ends where it leaves the chart: bent along the edge it would tell of another slope.
    days = [start + timedelta(days=number) for number in range((end - start).days + 1)]
    inside = [day for day in days if TOP <= values.free_y(trend.at(day)) <= BOTTOM]
    if not inside:
        return ""
    ends = (f"{dates.x(day):.1f} {values.y(trend.at(day)):.1f}" for day in (inside[0], inside[-1]))
    return f"M{'L'.join(ends)}"


def _lines(forecast: Forecast, dates: DateAxis, values: ValueAxis) -> Iterator[str]:
    line, unit = forecast.line, forecast.measure.unit
    drawn = [("warning", line.warning)]
    if shows_critical(forecast) and line.critical is not None:
        drawn.append(("critical", line.critical))
    for name, value in drawn:
        y = values.y(value)
        yield f'<path class="{name}" d="M{LEFT:g} {y:.1f}H{RIGHT:g}"/>'
        words, crowded = f"{name} {amount(value, unit)}", _crowded(forecast, dates, values, y)
        yield _text(name, RIGHT if crowded else LEFT + 4, y - 5, words, before=crowded)


def _crowded(forecast: Forecast, dates: DateAxis, values: ValueAxis, y: float) -> bool:
    """Whether the peaks run where the name of a line at ``y`` would stand at its left."""
    return any(
        dates.x(day) < LEFT + _LABEL and y - _LABEL_HEIGHT < values.y(peak) < y + 3
        for day, peak in forecast.peaks.items()
    )


def _crossing(forecast: Forecast, dates: DateAxis, values: ValueAxis) -> Iterator[str]:
    found = forecast.outlook
    if found.kind is not Kind.CROSSES or found.on is None or found.on > dates.last:
        return
    x, y = dates.x(found.on), values.y(forecast.line.warning)
    yield f'<path class="drop" d="M{x:.1f} {y:.1f}V{BOTTOM:g}"/>'
    yield f'<circle class="cross" cx="{x:.1f}" cy="{y:.1f}" r="4.5"/>'
    yield _text("date", x, BOTTOM - 7, short_date(found.on), before=x > RIGHT - _LABEL)


def _text(kind: str, x: float, y: float, text: str, before: bool) -> str:
    anchor, off = ("end", -6) if before else ("start", 6 if kind == "date" else 0)
    return (
        f'<text class="{kind}" x="{x + off:.1f}" y="{y:.1f}" text-anchor="{anchor}">'
        f"{escape(text)}</text>"
    )


def _tick(value: float) -> str:
    return f"{value / 1000:g}k" if value >= 1000 else f"{value:g}"
