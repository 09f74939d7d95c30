"""A measure's chart: history, trend, the range ahead, its lines and where they cross."""

from collections.abc import Iterator
from datetime import date, timedelta

from drawing.chart import Across, Axis, Band, Crossing, Line, Part, Points, Stripe, plot
from reviews.capacity.forecast import Forecast, Kind, verdict
from reviews.capacity.trend import Trend
from reviews.format import amount, short_date

_AHEAD = timedelta(days=45)  # is shown at least, so that one sees where it goes
_BEYOND = timedelta(days=10)  # after a crossing
_LABEL, _LABEL_HEIGHT = 32.0, 11.0  # percent that a text needs
_FAR = 1.6  # a critical line farther above everything else would flatten it


def chart(forecast: Forecast) -> str:
    """The chart as HTML; a measure without any peak has none."""
    if not forecast.peaks:
        return ""
    dates, values = _axes(forecast)
    parts = [
        *_ahead(forecast, dates, values),
        *_history(forecast),
        *_lines(forecast, dates, values),
        *_crossing(forecast, dates),
    ]
    return plot(f"{forecast.measure.title}: {verdict(forecast)}", dates, values, parts)


def shows_critical(forecast: Forecast) -> bool:
    """Whether the critical line is near enough to be drawn."""
    line = forecast.line
    if line.critical is None:
        return False
    return line.critical <= _FAR * max(line.warning, *forecast.peaks.values())


def _axes(forecast: Forecast) -> tuple[Axis, Axis]:
    found, first, last = forecast.outlook, min(forecast.peaks), max(forecast.peaks)
    seen = [day for day in (found.on, found.earliest, found.latest) if day and day > last]
    end = max(last + _AHEAD, *(day + _BEYOND for day in seen)) if seen else last + _AHEAD
    if found.horizon:
        end = min(end, max(found.horizon, last + _AHEAD))
    tops = [*forecast.peaks.values(), forecast.line.warning]
    if shows_critical(forecast) and forecast.line.critical is not None:
        tops.append(forecast.line.critical)
    top = 100.0 if forecast.measure.unit == "%" and max(tops) > 50 else 1.08 * max(tops)
    return Axis.of_dates(first, end), Axis.of_values(top)


def _history(forecast: Forecast) -> Iterator[Part]:
    points = [(day.toordinal(), peak) for day, peak in sorted(forecast.peaks.items())]
    # A day that is missing is a gap in the line, and nothing is guessed into it.
    yield Line("peaks", points, apart=1)
    yield Line("dots", points, apart=0)


def _ahead(forecast: Forecast, dates: Axis, values: Axis) -> Iterator[Part]:
    found, last = forecast.outlook, max(forecast.peaks)
    if found.since and found.changed:
        at = found.since.toordinal()
        words = f"changed {short_date(found.since)}"
        yield Stripe("moment", at, at, words, "end" if dates.at(at) > _LABEL else "start")
    if found.trend is None or found.since is None:
        return
    trend, end = found.trend, date.fromordinal(int(dates.high))
    if found.horizon:
        end = min(end, found.horizon)
    # Day by day, so that what would leave the chart runs along its edge instead.
    ahead = _days(last, end)
    yield Band(
        "range",
        [(day.toordinal(), trend.upper(day)) for day in ahead],
        [(day.toordinal(), trend.lower(day)) for day in ahead],
    )
    yield Line("trend", _straight(trend, found.since, last, values))
    yield Line("trend dashed", _straight(trend, last, end, values))
    yield Stripe("moment", last.toordinal(), last.toordinal(), "now", "start")


def _straight(trend: Trend, start: date, end: date, values: Axis) -> Points:
    # It ends where it leaves the chart: bent along the edge it would tell of another slope.
    inside = [day for day in _days(start, end) if 0 <= values.beyond(trend.at(day)) <= 100]
    ends = (inside[0], inside[-1]) if inside else ()
    return [(day.toordinal(), trend.at(day)) for day in ends]


def _days(start: date, end: date) -> list[date]:
    return [start + timedelta(days=number) for number in range((end - start).days + 1)]


def _lines(forecast: Forecast, dates: Axis, values: Axis) -> Iterator[Part]:
    line, unit = forecast.line, forecast.measure.unit
    yield _across("warning", line.warning, unit, forecast, dates, values)
    if shows_critical(forecast) and line.critical is not None:
        yield _across("critical", line.critical, unit, forecast, dates, values)


def _across(
    name: str, value: float, unit: str, forecast: Forecast, dates: Axis, values: Axis
) -> Across:
    # Where the peaks run, at the left, its name would cover them.
    at = values.at(value)
    crowded = any(
        dates.at(day.toordinal()) < _LABEL and at - 3 < values.at(peak) < at + _LABEL_HEIGHT
        for day, peak in forecast.peaks.items()
    )
    words = f"{name} {amount(value, unit)}"
    return Across(name, value, words, side="right" if crowded else "left")


def _crossing(forecast: Forecast, dates: Axis) -> Iterator[Part]:
    found = forecast.outlook
    if found.kind is not Kind.CROSSES or found.on is None or found.on.toordinal() > dates.high:
        return
    at = found.on.toordinal()
    yield Crossing(
        "cross",
        at,
        forecast.line.warning,
        short_date(found.on),
        "end" if dates.at(at) > 100 - _LABEL else "start",
    )
