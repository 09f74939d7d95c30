"""All ways in which a few foreign actions fall into a rotation, at any call of the function."""

from collections import Counter

import pytest
from allpairspy import AllPairs

from tests.lambda_rotation.model.elasticache import Promises
from tests.lambda_rotation.model.world import World
from tests.lambda_rotation.search import Line, search

Choice = tuple[bool, ...]
# Every pair of answers to AWS's open questions together at least once, and all of them.
PAIRS = [tuple(choice) for choice in AllPairs([(False, True)] * 8)]
ALL = [tuple(bool(number >> bit & 1) for bit in range(8)) for number in range(256)]


def made(choice: Choice | None = None, *, shards: int = 1) -> World:
    *promises, deletes, cleans_up = choice or (*vars(Promises()).values(), True, True)
    world = World.rotated_before(Promises(*promises), quick=True, shards=shards, deletes=deletes)
    world.service_cleans_up = cleans_up
    return world


def go_through(
    counted: Counter[str], actions: int, what: str, world: World, *, rotating: bool
) -> None:
    found = search(Line.of(world, rotating=rotating), actions)
    assert found.states > 10
    counted[f"states with at most {actions} foreign actions {what}"] += found.states
    counted[f"invocations with at most {actions} foreign actions {what}"] += found.invocations


@pytest.mark.plan("2.3")
def test_two_foreign_actions_in_a_rotation(counted: Counter[str]) -> None:
    go_through(counted, 2, "in a rotation", made(), rotating=True)


@pytest.mark.plan("2.3")
def test_two_foreign_actions_at_rest(counted: Counter[str]) -> None:
    go_through(counted, 2, "at rest", made(), rotating=False)


@pytest.mark.parametrize("choice", PAIRS)
def test_one_foreign_action_whatever_aws_does_where_it_promises_nothing(
    choice: Choice, counted: Counter[str]
) -> None:
    go_through(counted, 1, "and AWS's open questions in pairs", made(choice), rotating=True)


def test_one_foreign_action_in_cluster_mode(counted: Counter[str]) -> None:
    go_through(counted, 1, "on three shards", made(shards=3), rotating=True)


@pytest.mark.long
def test_three_foreign_actions_at_rest(counted: Counter[str]) -> None:
    go_through(counted, 3, "at rest", made(), rotating=False)


@pytest.mark.long
@pytest.mark.parametrize("choice", PAIRS)
def test_two_foreign_actions_whatever_aws_does_where_it_promises_nothing(
    choice: Choice, counted: Counter[str]
) -> None:
    go_through(counted, 2, "and AWS's open questions in pairs", made(choice), rotating=True)


@pytest.mark.long
def test_one_foreign_action_and_every_answer_to_aws_s_open_questions(
    counted: Counter[str],
) -> None:
    for choice in ALL:
        go_through(counted, 1, "and every answer of AWS", made(choice), rotating=True)
