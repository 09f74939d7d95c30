"""A creation that fails is repeated by one command; from every other state a command leads on."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest

from rehearsal.common.pytest_plugin import started
from rehearsal.common.rehearsal import Rehearsal
from rehearsal.stack_states.every_type import EveryType
from rehearsal.stack_states.ways_on import FirstCreation, WaysOn

SAMPLE = ("AWS::ElastiCache::ReplicationGroup", "AWS::KMS::Key", "AWS::Lambda::Function")


class Production(NamedTuple):
    """Deployed at the third attempt; ``found`` is what each step of the way to it found."""

    rehearsal: Rehearsal
    found: list[str]


@pytest.fixture(scope="module")
def production() -> Iterator[Production]:
    with started() as rehearsal:
        yield Production(rehearsal, [step(rehearsal) for _, step in FirstCreation().steps])


@pytest.mark.plan("2.4")
def test_a_first_creation_that_fails_is_repeated_until_its_cause_is_gone(
    production: Production,
) -> None:
    assert production.found[-1] == "73 checks passed"


@pytest.mark.long
@pytest.mark.plan("2.4")
def test_of_two_deployments_at_once_each_executes_its_own_change_or_none(
    production: Production,
) -> None:
    assert WaysOn().two_at_once(production.rehearsal)


@pytest.mark.plan("8")
def test_an_update_whose_rollback_fails_is_left_by_the_commands_that_are_printed(
    production: Production,
) -> None:
    assert "then make deploy went through" in WaysOn().stuck(production.rehearsal)


@pytest.mark.long
@pytest.mark.plan("8")
@pytest.mark.parametrize("way", [WaysOn.killed, WaysOn.paused, WaysOn.half_deleted])
def test_every_other_state_is_left_by_the_commands_that_are_printed(
    production: Production, way: Callable[[WaysOn, Rehearsal], str]
) -> None:
    assert "then make deploy went through" in way(WaysOn(), production.rehearsal)


@pytest.mark.plan("2.4")
@pytest.mark.parametrize("only", [SAMPLE, pytest.param((), marks=pytest.mark.long)])
def test_a_type_that_fails_changes_nothing_and_leaves_nothing(
    production: Production, only: tuple[str, ...]
) -> None:
    proof = EveryType(only)
    assert "the nodes are the same" in proof.update(production.rehearsal)
    assert "nothing of them is left" in proof.create(production.rehearsal)
