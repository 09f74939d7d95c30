"""A creation that fails is repeated by one command; from every other state a command leads on."""

from collections.abc import Callable

import pytest

from rehearsal import stack_states
from rehearsal.common.rehearsal import Rehearsal
from rehearsal.common.steps import follow
from tests.rehearsal.conftest import Created

SAMPLE = ("AWS::ElastiCache::ReplicationGroup", "AWS::KMS::Key", "AWS::Lambda::Function")


@pytest.mark.plan("2.4")
def test_a_first_creation_that_fails_is_repeated_until_its_cause_is_gone(
    created: Created,
) -> None:
    assert created.found[-1] == "73 checks passed"


@pytest.mark.long
@pytest.mark.plan("2.4")
def test_of_two_deployments_at_once_each_executes_its_own_change_or_none(
    created: Created,
) -> None:
    assert stack_states.two_at_once(created.rehearsal)


@pytest.mark.plan("8")
def test_an_update_whose_rollback_fails_is_left_by_the_commands_that_are_printed(
    created: Created,
) -> None:
    assert "then make deploy went through" in stack_states.stuck(created.rehearsal)


@pytest.mark.long
@pytest.mark.plan("8")
@pytest.mark.parametrize(
    "way", [stack_states.killed_in_the_middle, stack_states.paused, stack_states.half_deleted]
)
def test_every_other_state_is_left_by_the_commands_that_are_printed(
    created: Created, way: Callable[[Rehearsal], str]
) -> None:
    assert "then make deploy went through" in way(created.rehearsal)


@pytest.mark.plan("2.4")
@pytest.mark.parametrize("only", [SAMPLE, pytest.param((), marks=pytest.mark.long)])
def test_a_type_that_fails_changes_nothing_and_leaves_nothing(
    created: Created, only: tuple[str, ...]
) -> None:
    updates, creations = follow(created.rehearsal, stack_states.every_type(frozenset(only)))
    assert "the nodes are the same" in updates
    assert "nothing of them is left" in creations
