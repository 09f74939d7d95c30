"""The capacity report's page and message."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from drawing.chart import figure, key
from drawing.page import folded, heading, page, paragraph, table
from reviews.capacity.chart import chart, shows_critical
from reviews.capacity.forecast import SOON_DAYS, Forecast, Kind, verdict
from reviews.capacity.trend import CONFIDENCE
from reviews.format import amount, long_date
from reviews.report import Report

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
    return Report(
        title=f"{title}: {_says(urgent)}",
        lines=list(_message(forecasts)),
        page=page(
            f"Redis {group_id}: {title}",
            f"The highest of all nodes, by day, until {long_date(today - timedelta(days=1))}, UTC.",
            _parts(forecasts, urgent),
            _STYLE,
        ),
        findings=len(urgent),
        section=SECTION,
    )


def _urgent(forecasts: Sequence[Forecast]) -> list[Forecast]:
    return [one for one in forecasts if one.urgent or (one.blind and not _new(forecasts))]


def _new(forecasts: Sequence[Forecast]) -> bool:
    """Whether no node ever sent anything. Where nodes fell silent, not-reporting was on."""
    return all(one.blind for one in forecasts)


def _says(urgent: Sequence[Forecast]) -> str:
    if not urgent:
        return "no action needed"
    return f"{len(urgent)} need{'s' if len(urgent) == 1 else ''} you"


def _message(forecasts: Sequence[Forecast]) -> Iterator[str]:
    """What must be done first, then what has a date, then one line for the rest."""
    if _new(forecasts):
        yield "There is nothing to look at yet: no node sent anything before today."
        return
    urgent = _urgent(forecasts)
    dated = [one for one in forecasts if one.outlook.kind is Kind.CROSSES and not one.urgent]
    for one in urgent:
        yield f"*{one.measure.title}* {verdict(one)}. {'' if one.blind else one.line.then}".strip()
    for one in dated:
        yield f"{one.measure.title} {verdict(one)}."
    unsure = [one for one in forecasts if one.outlook.kind is Kind.TOO_LITTLE and not one.blind]
    if unsure:
        yield f"Not enough data yet: {_names(unsure)}."
    rest = [one for one in forecasts if one not in (*urgent, *dated, *unsure)]
    if rest:
        yield f"Below their lines, with no date to plan for: {_levels(rest)}."


def _names(forecasts: Sequence[Forecast]) -> str:
    return ", ".join(one.measure.title.lower().replace("cpu", "CPU") for one in forecasts)


def _levels(forecasts: Sequence[Forecast]) -> str:
    return ", ".join(
        f"{_names([one])} {amount(one.newest or 0, '')} of {_line(one)}" for one in forecasts
    )


def _line(one: Forecast) -> str:
    return amount(one.line.warning, one.measure.unit)


def _parts(forecasts: Sequence[Forecast], urgent: Sequence[Forecast]) -> Iterator[str]:
    if urgent:
        for one in urgent:
            yield paragraph(f"{one.measure.title} {verdict(one)}.", "lead bad")
            if not one.blind:
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
    sentence = verdict(one)
    words = paragraph(
        sentence[:1].upper() + sentence[1:], "bad" if one.urgent or one.blind else "soft"
    )
    return figure(one.measure.title, f"{one.measure.peak}{unit}", [words, _key(one), chart(one)])


def _key(one: Forecast) -> str:
    names = [("peaks", "daily peak")] if one.peaks else []
    if one.outlook.trend:
        names += [("trend", "trend"), ("range", f"{CONFIDENCE:.0%} range")]
    critical = one.line.critical
    if critical is not None and one.peaks and not shows_critical(one):
        names.append(("plain", f"critical is {amount(critical, one.measure.unit)}, far above"))
    return key(names)


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
