"""The load test itself, short, on real nodes; and broken on purpose, where it must fail."""

from pathlib import Path

import pytest

from emulator.nodes.node import Node
from rehearsal.common.errors import RehearsalError
from rehearsal.load.context import Stage
from rehearsal.load.judges import Verdict, judge_all, table
from rehearsal.load.outcome import Outcome
from rehearsal.load.plan import SHORT, Plan
from rehearsal.load.programs import EXAMPLE, machine
from rehearsal.load.report import report
from rehearsal.load.run import Prepare, run

pytestmark = pytest.mark.servers

BROKEN = "tests.rehearsal.load.broken"


def judged(
    application: str = EXAMPLE, prepare: Prepare = lambda _stage: None, plan: Plan = SHORT
) -> tuple[Outcome, list[Verdict]]:
    """The run, and the five lines, which pytest shows when the test fails."""
    outcome = run(plan, application=application, prepare=prepare)
    verdicts = judge_all(outcome)
    print(table(verdicts))
    return outcome, verdicts


def failing(verdicts: list[Verdict]) -> set[int]:
    """The lines that say something of the limiter: other programs make a run slow."""
    return {verdict.number for verdict in verdicts if verdict.faults or verdict.unproven}


def forget_at_promotion(stage: Stage) -> None:
    """As if nothing had been replicated: who becomes primary has nothing."""
    shard = stage.given.group.shards[0]
    promote = shard.promote

    def promote_empty(node: Node) -> None:
        promote(node)
        node.server.call("flushall")

    shard.promote = promote_empty  # type: ignore[method-assign]


def test_an_application_that_does_not_start_is_told_in_one_line() -> None:
    with pytest.raises(RehearsalError) as told:
        run(SHORT, application=f"{BROKEN}:mistaken")
    assert str(told.value) == "application-1: ValueError: a mistake in the settings"


@pytest.mark.plan("6.1")
def test_a_hundred_users_pass_all_five_lines_and_a_report_is_written(tmp_path: Path) -> None:
    for by in (1, 2, 4):  # until there was time enough to prove something
        outcome, verdicts = judged(plan=SHORT.stretched(by))
        if not any(verdict.unproven for verdict in verdicts):
            break
    assert failing(verdicts) == set()
    page = tmp_path / "report.html"
    page.write_text(report(outcome, verdicts, machine()))
    assert page.read_text().count("<svg") == 20


@pytest.mark.long
def test_late_answers_on_closed_connections_fail_the_lines_of_users_and_latency() -> None:
    _, verdicts = judged(f"{BROKEN}:slow_and_unkind")
    assert {verdict.number for verdict in verdicts if verdict.slow} >= {1, 3}
    assert failing(verdicts) == set()


@pytest.mark.parametrize(
    "application", [pytest.param("fixed_window", marks=pytest.mark.long), "unlimited"]
)
def test_another_limiter_or_none_fails_the_lines_of_limits(application: str) -> None:
    _, verdicts = judged(f"{BROKEN}:{application}")
    assert failing(verdicts) == {2, 4, 5}


@pytest.mark.long
def test_a_replica_that_has_nothing_fails_the_lines_of_counts_and_survival() -> None:
    _, verdicts = judged(prepare=forget_at_promotion)
    assert failing(verdicts) >= {4, 5}
