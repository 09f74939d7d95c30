"""All ways in which a few foreign actions fall into a rotation, at any call of the function."""

from collections import Counter

import pytest
from allpairspy import AllPairs

from tests.lambda_rotation.model.elasticache import Promises
from tests.lambda_rotation.model.world import World
from tests.lambda_rotation.search import Line, search

pytestmark = pytest.mark.slow

Choice = tuple[bool, ...]
# Every pair of answers to AWS's open questions together at least once, and all of them.
PAIRS = [tuple(choice) for choice in AllPairs([(False, True)] * 8)]
ALL = [tuple(bool(number >> bit & 1) for bit in range(8)) for number in range(256)]


def made(choice: Choice = (), *, shards: int = 1) -> World:
    return World.rotated_before(Promises(*choice), quick=True, shards=shards)


def go_through(counted: Counter[str], actions: int, what: str, world: World) -> None:
    states, invocations = search(Line.of(world, rotating=what != "at rest"), actions)
    counted[f"states with at most {actions} foreign actions {what}"] += states
    counted[f"invocations with at most {actions} foreign actions {what}"] += invocations


@pytest.mark.plan("2.3")
@pytest.mark.parametrize("what", ["in a rotation", "at rest"])
def test_two_foreign_actions(what: str, counted: Counter[str]) -> None:
    go_through(counted, 2, what, made())


@pytest.mark.parametrize("choice", PAIRS)
def test_one_foreign_action_whatever_aws_does_where_it_promises_nothing(
    choice: Choice, counted: Counter[str]
) -> None:
    go_through(counted, 1, "and AWS's open questions in pairs", made(choice))


def test_one_foreign_action_in_cluster_mode(counted: Counter[str]) -> None:
    go_through(counted, 1, "on three shards", made(shards=3))


@pytest.mark.long
@pytest.mark.parametrize("what", ["in a rotation", "at rest"])
def test_three_foreign_actions(what: str, counted: Counter[str]) -> None:
    go_through(counted, 3, what, made())


@pytest.mark.long
@pytest.mark.parametrize("actions", [1, 2])
def test_more_of_them_whatever_aws_does_where_it_promises_nothing(
    actions: int, counted: Counter[str]
) -> None:
    for choice in ALL if actions == 1 else PAIRS:
        go_through(counted, actions, "and AWS's open questions", made(choice))
