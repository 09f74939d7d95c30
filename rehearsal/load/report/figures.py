"""Which charts the report has."""

from __future__ import annotations

from collections.abc import Iterator

from rehearsal.load.answer import Key
from rehearsal.load.clients import OFFICE, STEADY, clients
from rehearsal.load.outcome import NodeLoad, Outcome
from rehearsal.load.report.chart import Chart, Line, Mark
from rehearsal.load.report.series import in_window, latencies, per_second

_BLUE, _ORANGE, _GREEN, _PURPLE = 1, 2, 3, 4


def marks(outcome: Outcome) -> list[Mark]:
    """The two losses, each until the group was whole again."""
    return [
        Mark(outcome.replica.before, outcome.replica.whole, "replica lost", "end"),
        Mark(outcome.primary.before, outcome.primary.whole, "primary lost"),
    ]


def users(outcome: Outcome) -> Iterator[Chart]:
    """What the users did and saw."""
    plan, samples = outcome.plan, outcome.samples
    yield Chart(
        "Open connections",
        "at the application, by the kernel",
        [Line("connections", _BLUE, [(one.at, float(one.connections)) for one in samples])],
    )
    yield Chart(
        "Answers a second",
        "requests",
        [Line("answers", _BLUE, per_second(outcome.answers, plan.end))],
        limit=plan.wanted_rate,
        limit_name=f"wanted: {plan.wanted_rate:.0f}",
    )
    taken = latencies(outcome.answers, plan.end)
    colours = {"p50": _GREEN, "mean": _BLUE, "p95": _PURPLE, "p99": _ORANGE}
    yield Chart(
        "Response time of the application",
        "ms, each step is ten times the last",
        [Line(name, colours[name], points) for name, points in taken.items()],
        limit=50,
        limit_name="the mean must stay below 50",
        log=True,
    )
    sources = (
        ("Redis", "redis", _BLUE),
        ("a denial remembered", "memory", _GREEN),
        ("fallback", "fallback", _ORANGE),
    )
    yield Chart(
        "Who decided",
        "decisions a second",
        [
            Line(
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
                Line("one user", _BLUE, in_window(of_tier, steady, seconds, plan.end), steps=True),
                Line(
                    "four users behind one address",
                    _ORANGE,
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
            ("denied", _ORANGE, [one for one in of_tier if one.denied]),
        )
        yield Chart(
            tier,
            "answers a second",
            [
                Line(name, colour, per_second(found, outcome.plan.end))
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
            Line(name, colour, _of_node(outcome, name, field))
            for colour, name in enumerate(names, start=1)
        ]
        yield Chart(title, unit, lines)
    programs = list(outcome.samples[-1].cores) if outcome.samples else []
    yield Chart(
        "Processor time of the programs",
        "cores",
        [
            Line(name, colour, [(one.at, one.cores[name]) for one in outcome.samples])
            for colour, name in enumerate(programs, start=1)
        ],
    )


def _of_node(outcome: Outcome, name: str, field: str) -> list[tuple[float, float]]:
    def value(load: NodeLoad | None) -> float:
        return 0.0 if load is None else float(getattr(load, field))

    return [(sample.at, value(sample.nodes.get(name))) for sample in outcome.samples]
