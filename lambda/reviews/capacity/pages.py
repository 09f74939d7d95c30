"""The capacity report's page and message."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from html import escape

from reviews.capacity.chart import shows_critical, svg
from reviews.capacity.forecast import SOON_DAYS, Forecast, verdict
from reviews.capacity.outlook import Kind
from reviews.capacity.trend import CONFIDENCE
from reviews.format import amount, long_date
from shared.page import folded, heading, page, paragraph, table
from shared.report import Report

SECTION = "review-capacity"
_STYLE = """<style>
:root{--peak:#57606a;--trend:#0969da;--band:#0969da26;--warn:#bc4c00;--crit:#cf222e}
@media (prefers-color-scheme:dark){:root{--peak:#9198a1;--trend:#58a6ff;--band:#58a6ff2e;
--warn:#f0883e;--crit:#ff7b72}}
.charts{display:grid;gap:1rem;grid-template-columns:repeat(auto-fill,minmax(min(100%,25rem),1fr));
margin:1.2rem 0;align-items:start}
figure{margin:0;padding:.8rem .8rem .4rem;background:var(--card);border:1px solid var(--line);
border-radius:.5rem;min-width:0}
figcaption b{font-size:1.05rem}
figcaption p{margin:.1rem 0 .3rem;font-size:.92rem}
.key{display:flex;flex-wrap:wrap;gap:.1rem .9rem;font-size:.8rem;color:var(--soft)}
.key span::before{content:"";display:inline-block;width:16px;height:3px;margin-right:6px;
vertical-align:middle;background:var(--peak)}
.key .k-trend::before{background:var(--trend)}
.key .k-range::before{height:11px;background:var(--band);border:1px solid var(--trend)}
figure svg{display:block;width:100%}
figure text{fill:var(--soft);font:12px system-ui,sans-serif;paint-order:stroke;
stroke:var(--card);stroke-width:3px;stroke-linejoin:round}
.grid,.tick{stroke:var(--line);stroke-width:.7}
.up{text-anchor:end}.on{text-anchor:middle}
.peaks{fill:none;stroke:var(--peak);stroke-width:1.1;stroke-linejoin:round;opacity:.75}
.dots{fill:none;stroke:var(--peak);stroke-width:3;stroke-linecap:round}
.trend{fill:none;stroke:var(--trend);stroke-width:2}
.dashed{stroke-dasharray:6 4}
.range{fill:var(--band)}
.warning,.critical,.today,.drop{fill:none;stroke-width:1.3}
.warning{stroke:var(--warn)}.critical{stroke:var(--crit)}
.today,.drop{stroke:var(--soft);stroke-dasharray:2 3}
.cross{fill:var(--card);stroke:var(--warn);stroke-width:2.5}
figure text.warning{fill:var(--warn)}figure text.critical{fill:var(--crit)}
figure text.warning,figure text.critical{stroke:var(--card);stroke-width:3px}
figure text.date{fill:var(--text);font-weight:600}
td,th{overflow-wrap:break-word}
@media (max-width:40rem){figure text{font-size:15px}}
</style>"""


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
        return "nothing needs you"
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
    yield _STYLE
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
    kind = "bad" if one.urgent or one.blind else "soft"
    sentence = verdict(one)
    return (
        f"<figure><figcaption><b>{escape(one.measure.title)}</b> "
        f'<span class="soft">{escape(one.measure.peak)}{escape(unit)}</span>'
        f'<p class="{kind}">{escape(sentence[:1].upper() + sentence[1:])}</p>'
        f"{_key(one)}</figcaption>{svg(one)}</figure>"
    )


def _key(one: Forecast) -> str:
    names = [("k-peak", "daily peak")] if one.peaks else []
    if one.outlook.trend:
        names += [("k-trend", "trend"), ("k-range", f"{CONFIDENCE:.0%} range")]
    spans = [f'<span class="{kind}">{escape(name)}</span>' for kind, name in names]
    critical = one.line.critical
    if critical is not None and one.peaks and not shows_critical(one):
        spans.append(f"critical is {escape(amount(critical, one.measure.unit))}, far above")
    return f'<div class="key">{"".join(spans)}</div>'


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
