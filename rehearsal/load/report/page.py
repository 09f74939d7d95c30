"""The page around the charts."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from pathlib import Path

from drawing.page import heading, paragraph, table
from drawing.page import page as page_of
from rehearsal.load.outcome import Outcome
from rehearsal.load.recovery import recovery
from rehearsal.load.report import figures
from rehearsal.load.verdict import Verdict

_STYLE = Path(__file__).with_name("style.css")
_NOTE = (
    "A shaded stripe is a loss: from the moment that the node fell silent or was killed until the "
    "group was whole again."
)


def page(outcome: Outcome, verdicts: Sequence[Verdict], machine: Mapping[str, str]) -> str:
    """A whole HTML document."""
    plan = outcome.plan
    passed = sum(verdict.passed for verdict in verdicts)
    sections = (
        ("What the users saw", figures.users, "wide"),
        ("How full the windows were", figures.windows, ""),
        ("Admitted and denied", figures.outcomes, ""),
        ("What it cost", figures.servers, "wide"),
    )
    return page_of(
        f"Load test: {passed} of {len(verdicts)} pass",
        f"{plan.users} users for {plan.end:g} seconds, each asking about every {plan.think:g} "
        f"seconds, on {plan.instances} instances of the example application and three Redis nodes.",
        [
            _verdicts(verdicts),
            paragraph(_NOTE, "soft"),
            *(_section(title, made(outcome), outcome, size) for title, made, size in sections),
            heading("While Redis was away"),
            *_gap(outcome),
            heading("Measured on"),
            table(("", ""), machine.items()),
        ],
        _STYLE.read_text(),
    )


def _section(title: str, charts: Iterable[figures.Chart], outcome: Outcome, size: str) -> str:
    drawn = "".join(chart.html(outcome) for chart in charts)
    return f'{heading(title)}<div class="charts {size}">{drawn}</div>'


def _verdicts(verdicts: Sequence[Verdict]) -> str:
    return f"<ol class=verdicts>{''.join(map(_verdict, verdicts))}</ol>"


def _verdict(verdict: Verdict) -> str:
    kind, word = ("pass", "✓ pass") if verdict.passed else ("fail", "✗ fail")
    faults = "".join(f"<p class=fault>{escape(fault)}</p>" for fault in verdict.reasons)
    return (
        f"<li><span class={kind}>{word}</span> <b>{escape(verdict.title)}</b>"
        f"<p>{escape(verdict.measured).replace(chr(10), '<br>')}</p>{faults}</li>"
    )


def _gap(outcome: Outcome) -> Iterator[str]:
    back = recovery(outcome)
    yield paragraph(
        "What the fallback decided between the loss of the primary and the moment that every "
        "instance had Redis' decisions again."
    )
    yield table(
        ("tier", "admitted", "denied"),
        [(tier, str(back.admitted[tier]), str(back.denied[tier])) for tier in outcome.plan.tiers],
    )
