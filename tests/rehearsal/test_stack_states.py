"""A creation that fails is repeated by one command; from every other state a command leads on."""

from collections.abc import Callable

import pytest

from rehearsal.common.rehearsal import Rehearsal
from rehearsal.stack_states import EveryType, WaysOn
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
    assert WaysOn().two_at_once(created.rehearsal)


@pytest.mark.plan("8")
def test_an_update_whose_rollback_fails_is_left_by_the_commands_that_are_printed(
    created: Created,
) -> None:
    assert "then make deploy went through" in WaysOn().stuck(created.rehearsal)


@pytest.mark.long
@pytest.mark.plan("8")
@pytest.mark.parametrize("way", [WaysOn.killed, WaysOn.paused, WaysOn.half_deleted])
def test_every_other_state_is_left_by_the_commands_that_are_printed(
    created: Created, way: Callable[[WaysOn, Rehearsal], str]
) -> None:
    assert "then make deploy went through" in way(WaysOn(), created.rehearsal)


@pytest.mark.plan("2.4")
@pytest.mark.parametrize("only", [SAMPLE, pytest.param((), marks=pytest.mark.long)])
def test_a_type_that_fails_changes_nothing_and_leaves_nothing(
    created: Created, only: tuple[str, ...]
) -> None:
    proof = EveryType(only)
    assert "the nodes are the same" in proof.update(created.rehearsal)
    assert "nothing of them is left" in proof.create(created.rehearsal)
