"""The weekly review's page and message."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from html import escape

from drawing.chart import Across, Axis, Line, Points, svg
from drawing.page import folded, heading, page, paragraph, table
from reviews.metrics.findings import Review, findings, length, remarks, short
from reviews.metrics.measures import Compared, Week
from reviews.report import Report, amount

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


SECTION = "review-metrics"
DAY = timedelta(days=1)
Figures = Mapping[str, Mapping[datetime, float]]
_STYLE = """
.spark{display:block;width:168px;height:34px}
.spark .now{stroke:var(--c1)}.spark .before{stroke:var(--soft);opacity:.7}
.spark .warning{stroke:var(--warn);stroke-dasharray:4 3}
td,th{overflow-wrap:break-word}
td{font-variant-numeric:tabular-nums}
td small{display:block;font-size:.85em}
@media (max-width:40rem){
.week tr{display:grid;grid-template-columns:repeat(3,1fr)}
.week td:first-child,.week td:last-child{grid-column:1/-1}
.week td:first-child{font-weight:600}
.week td:first-child::before,.week td:last-child::before{display:none}
.week td:first-child small{display:inline;font-weight:400;margin-left:.4em}
.week td:nth-child(5){grid-column:1/-1;display:flex;gap:.4em}
.spark{width:100%}
}
"""
_HEADS = ("Measure", "Mean", "19 of 20", "Worst", "Warning", "This week, last week in grey")


def report(review: Review, figures: Figures) -> Report:
    """Page and message; ``figures`` are of two weeks, by the measure's name."""
    found = list(findings(review))
    title = f"metrics, {_days(review)}"
    says = f"{len(found)} to look at" if found else "no action needed"
    about = "The worst of all nodes, in periods of five minutes, UTC."
    parts = _parts(review, found, figures)
    return Report(
        title=f"{title}: {says}",
        lines=[*found, *remarks(review)],
        page=page(f"Redis {review.group_id}: {title}", about, parts, _STYLE),
        findings=len(found),
        section=SECTION,
    )


def _days(review: Review) -> str:
    first, last = review.start, review.end - DAY
    begin = f"{first.day}" if first.month == last.month else f"{first.day} {first:%B}"
    return f"{begin} to {last.day} {last:%B}"


def _parts(review: Review, found: Sequence[str], figures: Figures) -> Iterator[str]:
    if found:
        yield from (paragraph(line.replace("*", ""), "lead bad") for line in found)
    else:
        yield paragraph("No action needed.", "lead good")
    yield from (paragraph(line) for line in remarks(review))
    of_nodes = [one for one in review.measures if one.measure.of_nodes]
    ours = [one for one in review.measures if not one.measure.of_nodes]
    yield heading("The nodes")
    yield _table(of_nodes, review, figures)
    if ours:
        yield heading("What works on them by itself")
        yield _table(ours, review, figures)
    yield from _alarms(review)
    yield folded("How to read it", [paragraph(_HOW)])


_HOW = (
    "Below each figure is last week's. “19 of 20” is what nineteen of twenty periods of five "
    "minutes stay within, so it leaves out single peaks, which “worst” shows. Counts are of all "
    "nodes together. A measure is red where more than one period in twenty was beyond its warning "
    "line, or where it has no data."
)


def _table(measures: Sequence[Compared], review: Review, figures: Figures) -> str:
    head = "".join(f"<th>{escape(text)}</th>" for text in _HEADS)
    body = "".join(_row(one, review, figures[one.measure.name]) for one in measures)
    return f'<table class="week cards"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def _row(one: Compared, review: Review, figures: Mapping[datetime, float]) -> str:
    measure, unit = one.measure, one.measure.unit
    counts = measure.combined == "total"

    def in_all(week: Week) -> str:
        return f"{amount(round(week.total), '')} in all"

    red = ' class="bad"' if one.often_beyond or one.silent else ""
    line = "" if measure.warning is None else f"{measure.beyond} {amount(measure.warning, unit)}"
    drawn = spark(figures, review.start, measure.warning, measure.beyond == "below", measure.title)
    said = " ".join(filter(None, (unit, "a minute" if counts else "")))
    cells = [
        f"{red}>{escape(measure.title)}<small>{escape(said)}</small>",
        _two(one, in_all if counts else lambda week: amount(week.mean, "")),
        _two(one, lambda week: amount(week.often, "")),
        _two(one, lambda week: amount(week.worst, "")),
        f">{escape(line)}",
        f">{drawn}",
    ]
    columns = zip(_HEADS, cells, strict=True)
    row = "".join(f'<td data-head="{head}"{cell}</td>' for head, cell in columns)
    return f"<tr>{row}</tr>"


def _two(one: Compared, how: Callable[[Week], str]) -> str:
    newer = how(one.now) if one.now else "no data"
    older = how(one.before) if one.before else "–"
    return f">{escape(newer)}<small>{escape(older)}</small>"


def _alarms(review: Review) -> Iterator[str]:
    ordered = [one for one in review.alarms if one.active or one.no_data]
    quiet = [one for one in review.alarms if one not in ordered]
    yield heading("Alarms")
    if ordered:
        rows = []
        for one in ordered:
            times = (length(time) if time else "" for time in (one.on, one.no_data))
            state = one.state if one.state == "OK" else one.state.replace("_", " ").lower()
            rows.append((short(one, review), str(one.fired), *times, state))
        kinds = ["bad" if one.still_on else "" for one in ordered]
        yield table(("Alarm", "Fired", "On", "Without data", "Now"), rows, kinds)
    else:
        yield paragraph("None fired or was without data.", "good")
    if quiet:
        names = ", ".join(short(one, review) for one in quiet)
        yield folded(f"{len(quiet)} that stayed quiet", [paragraph(names)])
