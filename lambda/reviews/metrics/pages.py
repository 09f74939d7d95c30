"""The weekly review's page and message."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from html import escape

from drawing.page import folded, heading, page, paragraph, table
from reviews.format import amount
from reviews.metrics.findings import Review, findings, length, remarks, short
from reviews.metrics.measures import Measure
from reviews.metrics.spark import spark
from reviews.metrics.week import Compared, Week
from shared.report import Report

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
    return Report(
        title=f"{title}: {_says(len(found))}",
        lines=[*found, *remarks(review)],
        page=page(
            f"Redis {review.group_id}: {title}",
            "The worst of all nodes, in periods of five minutes, UTC.",
            _parts(review, found, figures),
            _STYLE,
        ),
        findings=len(found),
        section=SECTION,
    )


def _says(many: int) -> str:
    if not many:
        return "no action needed"
    return f"{many} to look at"


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
    "minutes stay within, so it leaves out single peaks, which “worst” shows. Counts are over all "
    "nodes. A measure is red where more than one period in twenty was beyond its warning "
    "threshold, or where it has no data."
)


def _table(measures: Sequence[Compared], review: Review, figures: Figures) -> str:
    head = "".join(f"<th>{escape(text)}</th>" for text in _HEADS)
    body = "".join(_row(one, review, figures[one.measure.name]) for one in measures)
    return f'<table class="week cards"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def _row(one: Compared, review: Review, figures: Mapping[datetime, float]) -> str:
    measure, unit = one.measure, one.measure.unit
    red = ' class="bad"' if one.often_beyond or one.silent else ""
    line = "" if measure.warning is None else f"{measure.beyond} {amount(measure.warning, unit)}"
    low = measure.beyond == "below"
    cells = [
        f'<td data-head="{_HEADS[0]}"{red}>{escape(measure.title)}'
        f"<small>{escape(_unit(measure))}</small></td>",
        _two(
            1, one, _in_all if measure.combined == "total" else lambda week: amount(week.mean, "")
        ),
        _two(2, one, lambda week: amount(week.often, "")),
        _two(3, one, lambda week: amount(week.worst, "")),
        f'<td data-head="{_HEADS[4]}">{escape(line)}</td>',
        f'<td data-head="{_HEADS[5]}">'
        f"{spark(figures, review.start, measure.warning, low, measure.title)}</td>",
    ]
    return f"<tr>{''.join(cells)}</tr>"


def _unit(measure: Measure) -> str:
    return " ".join(
        filter(None, (measure.unit, "per minute" if measure.combined == "total" else ""))
    )


def _in_all(week: Week) -> str:
    return f"{amount(round(week.total), '')} in all"


def _two(column: int, one: Compared, how: Callable[[Week], str]) -> str:
    newer = how(one.now) if one.now else "no data"
    older = how(one.before) if one.before else "–"
    return f'<td data-head="{_HEADS[column]}">{escape(newer)}<small>{escape(older)}</small></td>'


def _alarms(review: Review) -> Iterator[str]:
    spoke = [one for one in review.alarms if one.heard or one.blind]
    quiet = [one for one in review.alarms if one not in spoke]
    yield heading("Alarms")
    if spoke:
        yield table(
            ("Alarm", "Went off", "On", "Without data", "Now"),
            [
                (
                    short(one, review),
                    str(one.fired),
                    length(one.on) if one.on else "",
                    length(one.blind) if one.blind else "",
                    one.state.replace("_", " ").lower() if one.state != "OK" else "OK",
                )
                for one in spoke
            ],
            ["bad" if one.still_on else "" for one in spoke],
        )
    else:
        yield paragraph("None went off or was without data.", "good")
    if quiet:
        names = ", ".join(short(one, review) for one in quiet)
        yield folded(f"{len(quiet)} that stayed quiet", [paragraph(names)])
