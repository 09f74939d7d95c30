"""The page around the charts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path

from rehearsal.load.outcome import Outcome
from rehearsal.load.recovery import recovery
from rehearsal.load.report import figures
from rehearsal.load.report.chart import Chart, Mark, svg
from rehearsal.load.verdict import Verdict

_STYLE = Path(__file__).with_name("style.css")
_NOTE = (
    "A shaded stripe is a loss: from the moment that the node fell silent or was killed until the "
    "group was whole again."
)


def page(outcome: Outcome, verdicts: Sequence[Verdict], machine: Mapping[str, str]) -> str:
    """A whole HTML document."""
    plan, marks = outcome.plan, figures.marks(outcome)
    passed = sum(verdict.passed for verdict in verdicts)
    sections = (
        ("What the users saw", figures.users, "wide"),
        ("How full the windows were", figures.windows, ""),
        ("Admitted and denied", figures.outcomes, ""),
        ("What it cost", figures.servers, "wide"),
    )
    charts = "".join(
        f"<h2>{escape(title)}</h2>{_charts(made(outcome), plan.end, marks, size)}"
        for title, made, size in sections
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>Load test: {passed} of {len(verdicts)} pass</title>"
        f"<style>{_STYLE.read_text()}</style></head><body><main>"
        f"<h1>Load test: {passed} of {len(verdicts)} pass</h1>"
        f"<p>{plan.users} users for {plan.end:g} seconds, each asking about every {plan.think:g} "
        f"seconds, on {plan.instances} instances of the example application and three Redis nodes."
        f"</p>{_verdicts(verdicts)}<p class=note>{_NOTE}</p>{charts}"
        f"<h2>While Redis was away</h2>{_gap(outcome)}"
        f"<h2>Measured on</h2>{_machine(machine)}</main></body></html>\n"
    )


def _verdicts(verdicts: Sequence[Verdict]) -> str:
    return f"<ol class=verdicts>{''.join(map(_verdict, verdicts))}</ol>"


def _verdict(verdict: Verdict) -> str:
    kind, word = ("pass", "✓ pass") if verdict.passed else ("fail", "✗ fail")
    faults = "".join(f"<p class=fault>{escape(fault)}</p>" for fault in verdict.reasons)
    return (
        f"<li><span class={kind}>{word}</span> <b>{escape(verdict.title)}</b>"
        f"<p>{escape(verdict.measured).replace(chr(10), '<br>')}</p>{faults}</li>"
    )


def _charts(charts: Iterable[Chart], end: float, marks: Sequence[Mark], size: str) -> str:
    return f"<div class='charts {size}'>{''.join(_figure(one, end, marks) for one in charts)}</div>"


def _figure(chart: Chart, end: float, marks: Sequence[Mark]) -> str:
    names = [f"<span class=c{line.colour}>{escape(line.name)}</span>" for line in chart.lines]
    if chart.limit_name:
        names.append(f"<span class=limit>{escape(chart.limit_name)}</span>")
    return (
        f"<figure><figcaption><b>{escape(chart.title)}</b> <small>{escape(chart.unit)}</small>"
        f"<div class=key>{''.join(names)}</div></figcaption>{svg(chart, end, marks)}</figure>"
    )


def _gap(outcome: Outcome) -> str:
    back = recovery(outcome)
    rows = "".join(
        f"<tr><th>{escape(tier)}<td>{back.admitted[tier]}<td>{back.denied[tier]}"
        for tier in outcome.plan.tiers
    )
    return (
        "<p>What the fallback decided between the loss of the primary and the moment that every "
        "instance had Redis' decisions again.</p>"
        f"<table><tr><th>tier<th>admitted<th>denied{rows}</table>"
    )


def _machine(machine: Mapping[str, str]) -> str:
    rows = "".join(
        f"<tr><th>{escape(name)}<td class=text>{escape(value)}" for name, value in machine.items()
    )
    return f"<table>{rows}</table>"
