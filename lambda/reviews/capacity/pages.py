"""The capacity report's page with its charts, and its message."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from drawing import chart as draw
from drawing.chart import Across, Anchor, Axis, Band, Crossing, Line, Part, Points, Stripe
from drawing.page import folded, heading, page, paragraph, table
from reviews.capacity.forecast import CONFIDENCE, SOON_DAYS, Forecast, Kind, Trend, verdict
from reviews.report import Report, amount, long_date, short_date

SECTION = "review-capacity"
_STYLE = """
figcaption b{font-size:1.05rem}
.key .plain::before{display:none}
.key .range::before{height:11px;background:var(--band);border:1px solid var(--c1)}
.trend{--series:var(--c1)}
.plot .peaks,.plot .dots{stroke:var(--soft);stroke-width:1.1;opacity:.75}
.plot .dots{stroke-width:3;stroke-linecap:round;opacity:1}
.plot .trend{stroke:var(--c1);stroke-width:2}
.plot .dashed{stroke-dasharray:6 4}
.plot .range{fill:var(--band)}
.plot path.warning,.plot path.critical{stroke:var(--mark)}
.plot .moment,.plot .drop{stroke:var(--soft);stroke-dasharray:2 3}
.plot .cross{stroke:var(--warn);stroke-width:11;stroke-linecap:round}
.plot .hole{stroke:var(--card);stroke-width:6}
td,th{overflow-wrap:break-word}
"""


def report(group_id: str, forecasts: Sequence[Forecast], today: date) -> Report:
    """Page and message over the days before ``today``."""
    urgent = _urgent(forecasts)
    title = f"capacity, {today - timedelta(days=1):%B %Y}"
    says = f"{len(urgent)} need{'s' if len(urgent) == 1 else ''} you"
    until = long_date(today - timedelta(days=1))
    about = f"The highest of all nodes, by day, until {until}, UTC."
    return Report(
        title=f"{title}: {says if urgent else 'no action needed'}",
        lines=list(_message(forecasts)),
        page=page(f"Redis {group_id}: {title}", about, _parts(forecasts, urgent), _STYLE),
        findings=len(urgent),
        section=SECTION,
    )


def _urgent(forecasts: Sequence[Forecast]) -> list[Forecast]:
    return [one for one in forecasts if one.urgent or (one.no_data and not _new(forecasts))]


def _new(forecasts: Sequence[Forecast]) -> bool:
    """Whether no node ever sent anything. Where nodes fell silent, not-reporting was on."""
    return all(one.no_data for one in forecasts)


def _message(forecasts: Sequence[Forecast]) -> Iterator[str]:
    """What must be done first, then what has a date, then one line for the rest."""
    if _new(forecasts):
        yield "There is nothing to look at yet: no node sent anything before today."
        return
    urgent = _urgent(forecasts)
    dated = [one for one in forecasts if one.outlook.kind is Kind.CROSSES and not one.urgent]
    for one in urgent:
        todo = "" if one.no_data else f" {one.line.then}"
        yield f"*{one.measure.title}* {verdict(one)}.{todo}"
    for one in dated:
        yield f"{one.measure.title} {verdict(one)}."
    unsure = [one for one in forecasts if one.outlook.kind is Kind.TOO_LITTLE and not one.no_data]
    if unsure:
        yield f"Not enough data yet: {_names(unsure)}."
    rest = [one for one in forecasts if one not in (*urgent, *dated, *unsure)]
    if rest:
        levels = (f"{_names([one])} {amount(one.newest or 0, '')} of {_line(one)}" for one in rest)
        yield f"Below their lines, with no date to plan for: {', '.join(levels)}."


def _names(forecasts: Sequence[Forecast]) -> str:
    return ", ".join(one.measure.title.lower().replace("cpu", "CPU") for one in forecasts)


def _line(one: Forecast) -> str:
    return amount(one.line.warning, one.measure.unit)


def _parts(forecasts: Sequence[Forecast], urgent: Sequence[Forecast]) -> Iterator[str]:
    if urgent:
        for one in urgent:
            yield paragraph(f"{one.measure.title} {verdict(one)}.", "lead bad")
            if not one.no_data:
                yield paragraph(f"To do: {one.line.then}")
    else:
        words = f"Nothing reaches a warning line within {SOON_DAYS} days, as far as there is data."
        yield paragraph(words, "lead good")
    yield f'<div class="charts">{"".join(_figure(one) for one in forecasts)}</div>'
    yield heading("All measures")
    yield table(
        ("Measure", "Last 7 days", "Warning", "In 30 days", "Outlook", "When it gets there"),
        [_row(one) for one in forecasts],
        ["bad" if one in urgent else "" for one in forecasts],
    )
    yield folded("How the dates are found, and what they are worth", _method())


def _figure(one: Forecast) -> str:
    unit = f" in {one.measure.unit}" if one.measure.unit else ""
    said, kind = verdict(one), "bad" if one.urgent or one.no_data else "soft"
    parts = [paragraph(said[:1].upper() + said[1:], kind), _key(one), chart(one)]
    return draw.figure(one.measure.title, f"{one.measure.peak}{unit}", parts)


def _key(one: Forecast) -> str:
    names = [("peaks", "daily peak")] if one.peaks else []
    if one.outlook.trend:
        names += [("trend", "trend"), ("range", f"{CONFIDENCE:.0%} range")]
    critical = one.line.critical
    if critical is not None and one.peaks and _near_critical(one) is None:
        names.append(("plain", f"critical is {amount(critical, one.measure.unit)}, far above"))
    return draw.key(names)


def _row(one: Forecast) -> tuple[str, ...]:
    unit, trend = one.measure.unit, one.outlook.trend
    newest = "" if one.newest is None else amount(one.newest, unit)
    more = "points" if unit == "%" else unit
    month = "" if trend is None else f"{30 * trend.slope:+,.2g} {more}".strip()
    return one.measure.title, newest, _line(one), month, verdict(one), one.line.then


def _method() -> Iterator[str]:
    yield paragraph(
        "Each point is the highest of all nodes on a day. The trend is the median of the slopes "
        "between all pairs of days (Theil-Sen), so a few odd days do not move it. Where the level "
        "changed at once, as with another node type, only the days since count."
    )
    yield paragraph(
        f"The range holds the slope with {CONFIDENCE:.0%} confidence; its upper edge adds what "
        "nine of ten days stay below. The first date is when a high day may reach the line, the "
        "second when typical days do. Nothing is predicted from fewer than 14 days, nor farther "
        "ahead than twice the time looked back on. No trend knows of a launch that is planned."
    )


_AHEAD = timedelta(days=45)  # is shown at least, so that one sees where it goes
_BEYOND = timedelta(days=10)  # after a crossing
_LABEL, _LABEL_HEIGHT = 32.0, 11.0  # percent that a text needs
_FAR = 1.6  # a critical line farther above everything else would flatten it


def chart(forecast: Forecast) -> str:
    """A measure's chart: history, trend, the range ahead, its lines; without any peak none."""
    if not forecast.peaks:
        return ""
    dates, values = _axes(forecast)
    points = [(day.toordinal(), peak) for day, peak in sorted(forecast.peaks.items())]
    parts = [
        *_ahead(forecast, dates, values),
        # A day that is missing is a gap in the line, and nothing is guessed into it.
        Line("peaks", points, apart=1),
        Line("dots", points, apart=0),
        *_lines(forecast, dates, values),
        *_crossing(forecast, dates),
    ]
    return draw.plot(f"{forecast.measure.title}: {verdict(forecast)}", dates, values, parts)


def _near_critical(forecast: Forecast) -> float | None:
    """The critical line where it is near enough to be drawn."""
    line, nearest = forecast.line, max(forecast.line.warning, *forecast.peaks.values())
    return line.critical if line.critical and line.critical <= _FAR * nearest else None


def _axes(forecast: Forecast) -> tuple[Axis, Axis]:
    found, first, last = forecast.outlook, min(forecast.peaks), max(forecast.peaks)
    seen = [day for day in (found.on, found.earliest, found.latest) if day and day > last]
    end = max([last + _AHEAD, *(day + _BEYOND for day in seen)])
    if found.horizon:
        end = min(end, max(found.horizon, last + _AHEAD))
    lines = (forecast.line.warning, _near_critical(forecast) or 0.0)
    highest = max(*forecast.peaks.values(), *lines)
    top = 100.0 if forecast.measure.unit == "%" and highest > 50 else 1.08 * highest
    return Axis.of_dates(first, end), Axis.of_values(top)


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
    edges = [[(day.toordinal(), edge(day)) for day in ahead] for edge in (trend.upper, trend.lower)]
    yield Band("range", *edges)
    yield Line("trend", _straight(trend, found.since, last, values))
    yield Line("trend dashed", _straight(trend, last, end, values))
    yield Stripe("moment", last.toordinal(), last.toordinal(), "now", "start")


def _straight(trend: Trend, start: date, end: date, values: Axis) -> Points:
    # It ends where it leaves the chart: along the edge it would show another slope.
    inside = [day for day in _days(start, end) if 0 <= values.beyond(trend.at(day)) <= 100]
    ends = (inside[0], inside[-1]) if inside else ()
    return [(day.toordinal(), trend.at(day)) for day in ends]


def _days(start: date, end: date) -> list[date]:
    return [start + timedelta(days=number) for number in range((end - start).days + 1)]


def _lines(forecast: Forecast, dates: Axis, values: Axis) -> Iterator[Part]:
    warning, critical = forecast.line.warning, _near_critical(forecast)
    for name, value in (("warning", warning), ("critical", critical)):
        if value is not None:
            # Where the peaks run, at the left, its name would cover them.
            at = values.at(value)
            crowded = any(
                dates.at(day.toordinal()) < _LABEL and at - 3 < values.at(peak) < at + _LABEL_HEIGHT
                for day, peak in forecast.peaks.items()
            )
            words = f"{name} {amount(value, forecast.measure.unit)}"
            yield Across(name, value, words, side="right" if crowded else "left")


def _crossing(forecast: Forecast, dates: Axis) -> Iterator[Part]:
    found = forecast.outlook
    if found.kind is not Kind.CROSSES or found.on is None or found.on.toordinal() > dates.high:
        return
    at, words = found.on.toordinal(), short_date(found.on)
    side: Anchor = "end" if dates.at(at) > 100 - _LABEL else "start"
    yield Crossing("cross", at, forecast.line.warning, words, side)
