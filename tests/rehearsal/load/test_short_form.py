"""The load test itself, short, on real nodes; and broken on purpose, where it must fail."""

import pytest

from emulator.bare_nodes import Nodes
from emulator.nodes.node import Node
from rehearsal.common.errors import RehearsalError
from rehearsal.load.judges import Verdict, judge_all, table
from rehearsal.load.plan import SHORT, Plan
from rehearsal.load.run import EXAMPLE, Prepare, run

pytestmark = pytest.mark.servers

BROKEN = "tests.rehearsal.load.broken"


def judged(
    application: str = EXAMPLE, prepare: Prepare = lambda _nodes: None, plan: Plan = SHORT
) -> list[Verdict]:
    """The five lines of a run, which pytest shows when the test fails."""
    verdicts = judge_all(run(plan, application=application, prepare=prepare))
    print(table(verdicts))
    return verdicts


def failing(verdicts: list[Verdict]) -> set[int]:
    """The lines that say something of the limiter: other programs make a run slow."""
    return {verdict.number for verdict in verdicts if verdict.faults or verdict.unproven}


def forget_at_promotion(nodes: Nodes) -> None:
    """As if nothing had been replicated: who becomes primary has nothing."""
    shard = nodes.group.shards[0]
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
def test_a_hundred_users_pass_all_five_lines() -> None:
    for by in (1, 2, 4):  # until there was time enough to prove something
        verdicts = judged(plan=SHORT.stretched(by))
        if not any(verdict.unproven for verdict in verdicts):
            break
    assert failing(verdicts) == set()


@pytest.mark.long
def test_no_limiter_fails_the_lines_of_limits() -> None:
    assert failing(judged(f"{BROKEN}:unlimited")) == {2, 4, 5}


@pytest.mark.long
def test_a_replica_that_has_nothing_fails_the_lines_of_counts_and_survival() -> None:
    assert failing(judged(prepare=forget_at_promotion)) >= {4, 5}
