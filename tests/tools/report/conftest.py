"""The report of production, from the session's one synth; with a recording and without."""

import json
from collections.abc import Callable

import pytest

from aws_rules.dashboard import metrics_of
from aws_rules.recording import Act, Metric, Recording
from tests.support import ROOT, Document, Stacks
from tools.assembly import Stack
from tools.report.outcomes import Outcome
from tools.report.page import page

Report = Callable[..., str]

BEGAN, MINUTES = 1_700_000_040, 10
UNWISE = "tests/a/test_one.py::test_the_unwise_is_warned_of_and_the_wise_is_not"
PLANNED = "tests/a/test_one.py::test_what_the_plan_says_is_in_the_template"
REFUSED = "tests/a/test_one.py::test_what_cannot_be_set_is_refused_with_its_alternative"
MEMORY = "tests/b/test_two.py::test_memory <b>"
MARKED = {UNWISE: ["2.1"], PLANNED: ["2.1"], MEMORY: ["5.1"]}
MARKED |= {f"{REFUSED}[{case}]": ["2.2"] for case in "ab"}
OUTCOMES = {
    PLANNED: Outcome("passed", "2026-11-01T10:00Z", "aaaaaaa"),
    f"{REFUSED}[a]": Outcome("passed", "2026-11-02T10:00Z", "bbbbbbb"),
    MEMORY: Outcome("failed", "2026-11-03T10:00Z", "bbbbbbb"),
}


def body(monitoring: Stack) -> Document:
    """The dashboard's body as it is synthesised."""
    found: Document = json.loads(monitoring.only("AWS::CloudWatch::Dashboard")["DashboardBody"])
    return found


@pytest.fixture(scope="session")
def recording(monitoring: Stack) -> Recording:
    """Ten minutes in which each series goes straight from 0 to 9, with the third one missing."""
    points = {BEGAN + 60 * minute: float(minute) for minute in range(MINUTES) if minute != 3}
    series: dict[Metric, dict[int, float]] = {
        metric: points for widget in body(monitoring)["widgets"] for metric in metrics_of(widget)
    }
    return Recording(
        recorded="2026-11-04T10:00Z",
        commit="ccccccc",
        clock="A minute lasted a second.",
        began=BEGAN,
        minutes=MINUTES,
        acts=[Act(0, MINUTES, "always"), Act(2, 4, "a <load>"), Act(5, 5, "at once")],
        states={
            "vibewell-redis-production-memory-warning": "OK",
            "vibewell-redis-production-swap-warning": "INSUFFICIENT_DATA",
        },
        spoke={"vibewell-redis-production-memory-warning": 6},
        series={**series},
    )


@pytest.fixture(scope="session")
def report(templates: Stacks, context: Document) -> Report:
    """The page about an environment, with some of its facts replaced."""

    def run(environment: str = "production", **other: object) -> str:
        defaults: Document = {
            "context": context,
            "docs": ROOT / "docs",
            "marked": MARKED,
            "outcomes": OUTCOMES,
            "recording": None,
            "commit": "bbbbbbb",
            "deviations": [],
        }
        stacks = other.pop("stacks", templates)
        return page(stacks, environment, **(defaults | other))  # type: ignore[arg-type]

    return run


@pytest.fixture(scope="session")
def plain(report: Report) -> str:
    """The page where nothing was recorded."""
    return report()


@pytest.fixture(scope="session")
def recorded(report: Report, recording: Recording) -> str:
    """The page with a recording."""
    return report(recording=recording)
