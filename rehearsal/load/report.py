"""The report: one HTML page that needs no network, readable on a telephone, light and dark."""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from drawing.chart import Across, Axis, Line, Points, Stripe, figure, key, plot
from drawing.page import heading, paragraph, table
from drawing.page import page as page_of
from rehearsal.load.judges import Verdict, percentile
from rehearsal.load.oracle import recovery
from rehearsal.load.outcome import Answer, Key, NodeLoad, Outcome
from rehearsal.load.plan import OFFICE, STEADY, clients


def per_second(answers: Iterable[Answer], end: float) -> Points:
    """How many were answered in each second."""
    counts = Counter(int(answer.received) for answer in answers)
    return [(second + 0.5, float(counts[second])) for second in range(int(end))]


def latencies(answers: Iterable[Answer], end: float) -> dict[str, Points]:
    """The application's response in each second that had answers: its spread, in milliseconds."""
    taken = defaultdict[int, list[float]](list)
    for answer in answers:
        taken[int(answer.received)].append(1000 * answer.response)
    kinds: dict[str, Callable[[list[float]], float]] = {
        "p50": lambda ordered: percentile(ordered, 50),
        "mean": lambda ordered: sum(ordered) / len(ordered),
        "p95": lambda ordered: percentile(ordered, 95),
        "p99": lambda ordered: percentile(ordered, 99),
    }
    seconds = [(second, sorted(taken[second])) for second in range(int(end)) if taken[second]]
    return {name: [(at + 0.5, of(times)) for at, times in seconds] for name, of in kinds.items()}


def in_window(answers: Iterable[Answer], key: Key, seconds: float, end: float) -> Points:
    """How many admissions by Redis were surely in one key's window, at every change."""
    admitted = [one for one in answers if one.admitted and one.exact and key in one.keys]
    came = sorted(one.received for one in admitted)
    left = sorted(one.sent + seconds for one in admitted)
    changes = sorted({0.0, end, *came, *(at for at in left if at < end)})
    return [(at, float(bisect_right(came, at) - bisect_right(left, at))) for at in changes]


_BLUE, _GREEN, _PURPLE, _MAGENTA = 1, 2, 3, 5  # of page.css
_ROOM = 1.08  # what keeps to a limit would else run along the edge


@dataclass(frozen=True)
class Chart:
    """Lines by their names; `limit` is a line across, with `log` values go up in powers of ten."""

    title: str
    unit: str
    lines: Sequence[tuple[str, Line]]
    limit: float | None = None
    limit_name: str = ""
    log: bool = False

    def html(self, outcome: Outcome) -> str:
        """With the two losses, each until the group was whole again."""
        values = [value for _, line in self.lines for _, value in line.points]
        highest = max([*values, _ROOM * (self.limit or 0.0), 1e-9])
        lowest = min((value for value in values if value > 0), default=1.0)
        parts = [
            Stripe("loss", outcome.replica.before, outcome.replica.whole, "replica lost", "end"),
            Stripe("loss", outcome.primary.before, outcome.primary.whole, "primary lost", "start"),
            *([] if self.limit is None else [Across("threshold", self.limit)]),
            *(line for _, line in self.lines),
        ]
        names = [(line.kind, name) for name, line in self.lines]
        names += [("threshold", self.limit_name)] if self.limit_name else []
        y = Axis.of_powers(lowest, highest) if self.log else Axis.of_values(highest)
        x = Axis.of_time(outcome.plan.end, "s")
        return figure(self.title, self.unit, [key(names), plot(self.title, x, y, parts)])


def line(name: str, colour: int, points: Points, *, steps: bool = False) -> tuple[str, Line]:
    """A line of a chart in one of the page's colours."""
    return name, Line(f"series c{colour}", points, steps=steps)


def users(outcome: Outcome) -> Iterator[Chart]:
    """What the users did and saw."""
    plan, samples = outcome.plan, outcome.samples
    yield Chart(
        "Open connections",
        "at the application, by the kernel",
        [line("connections", _BLUE, [(one.at, float(one.connections)) for one in samples])],
    )
    yield Chart(
        "Answers a second",
        "requests",
        [line("answers", _BLUE, per_second(outcome.answers, plan.end))],
        limit=plan.wanted_rate,
        limit_name=f"wanted: {plan.wanted_rate:.0f}",
    )
    taken = latencies(outcome.answers, plan.end)
    colours = {"p50": _GREEN, "mean": _BLUE, "p95": _PURPLE, "p99": _MAGENTA}
    yield Chart(
        "Response time of the application",
        "ms, each step is ten times the last",
        [line(name, colours[name], points) for name, points in taken.items()],
        limit=50,
        limit_name="the mean must stay below 50",
        log=True,
    )
    sources = (
        ("Redis", "redis", _BLUE),
        ("a denial remembered", "memory", _GREEN),
        ("fallback", "fallback", _MAGENTA),
    )
    yield Chart(
        "Who decided",
        "decisions a second",
        [
            line(
                name,
                colour,
                per_second([one for one in outcome.answers if one.source == source], plan.end),
            )
            for name, source, colour in sources
        ],
    )


def windows(outcome: Outcome) -> Iterator[Chart]:
    """Tier by tier how full the window was of those who always wanted more."""
    plan = outcome.plan
    for tier, (requests, seconds) in plan.tiers.items():
        of_tier = [answer for answer in outcome.answers if answer.tier == tier]
        crowd = {one.habit: one for one in clients(plan) if one.tier == tier}
        steady = Key(tier, "user", crowd[STEADY].user)
        office = Key(tier, "ip", crowd[OFFICE].ip)
        yield Chart(
            tier,
            f"admitted within {seconds} s",
            [
                line("one user", _BLUE, in_window(of_tier, steady, seconds, plan.end), steps=True),
                line(
                    "four users behind one address",
                    _MAGENTA,
                    in_window(of_tier, office, seconds, plan.end),
                    steps=True,
                ),
            ],
            limit=requests,
            limit_name=f"limit: {requests}",
        )


def outcomes(outcome: Outcome) -> Iterator[Chart]:
    """Tier by tier what was admitted and denied."""
    for tier in outcome.plan.tiers:
        of_tier = [answer for answer in outcome.answers if answer.tier == tier]
        kinds = (
            ("admitted", _BLUE, [one for one in of_tier if one.admitted]),
            ("denied", _MAGENTA, [one for one in of_tier if one.denied]),
        )
        yield Chart(
            tier,
            "answers a second",
            [
                line(name, colour, per_second(found, outcome.plan.end))
                for name, colour, found in kinds
            ],
        )


def servers(outcome: Outcome) -> Iterator[Chart]:
    """What it cost Redis, node by node, and the machine."""
    kinds = (
        ("Redis commands a second", "those inside the script counted", "commands"),
        ("Redis processor time", "cores", "cores"),
        ("Redis connections", "the measurement's own included", "connections"),
    )
    names = sorted({name for sample in outcome.samples for name in sample.nodes})
    for title, unit, field in kinds:
        lines = [
            line(name, colour, _of_node(outcome, name, field))
            for colour, name in enumerate(names, start=1)
        ]
        yield Chart(title, unit, lines)
    programs = list(outcome.samples[-1].cores) if outcome.samples else []
    yield Chart(
        "Processor time of the programs",
        "cores",
        [
            line(name, colour, [(one.at, one.cores[name]) for one in outcome.samples])
            for colour, name in enumerate(programs, start=1)
        ],
    )


def _of_node(outcome: Outcome, name: str, field: str) -> list[tuple[float, float]]:
    def value(load: NodeLoad | None) -> float:
        return 0.0 if load is None else float(getattr(load, field))

    return [(sample.at, value(sample.nodes.get(name))) for sample in outcome.samples]


_STYLE = Path(__file__).with_name("style.css")
_NOTE = (
    "A shaded stripe is a loss: from the moment that the node fell silent or was killed until the "
    "group was whole again."
)


def report(outcome: Outcome, verdicts: Sequence[Verdict], machine: Mapping[str, str]) -> str:
    """A whole HTML document."""
    plan = outcome.plan
    passed = sum(verdict.passed for verdict in verdicts)
    sections = (
        ("What the users saw", users, "wide"),
        ("How full the windows were", windows, ""),
        ("Admitted and denied", outcomes, ""),
        ("What it cost", servers, "wide"),
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


def _section(title: str, charts: Iterable[Chart], outcome: Outcome, size: str) -> str:
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
