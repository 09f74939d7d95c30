"""All ways in which a few foreign actions fall into a rotation, at any call of the function.

How many faults of the functions they notice is measured: docs/reference/mutations.md.
"""

from collections import Counter
from collections.abc import Callable

import pytest
from allpairspy import AllPairs

from tests.lambda_rotation.actions import act
from tests.lambda_rotation.model.services import Promises
from tests.lambda_rotation.model.world import World
from tests.lambda_rotation.search import Line, search

pytestmark = pytest.mark.plan("2.3")

Choice = tuple[bool, ...]
# Every pair of answers to AWS's open questions together at least once, and all of them.
PAIRS = [tuple(choice) for choice in AllPairs([(False, True)] * 8)]
ALL = [tuple(bool(number >> bit & 1) for bit in range(8)) for number in range(256)]


def made(choice: Choice = (), *, shards: int = 1) -> World:
    return World.rotated_before(Promises(*choice), quick=True, shards=shards)


def after(action: str) -> Line:
    world = made()
    act(action)(world)
    return Line.of(world, rotating=True)


BEGINNINGS: dict[str, Callable[[], Line]] = {
    "in a rotation": lambda: Line.of(made(), rotating=True),
    "at rest": lambda: Line.of(made(), rotating=False),
    "in the first rotation": lambda: Line.of(World(quick=True), rotating=True),
    "with a node that is late": lambda: after("a node that is late with the next change"),
    "after a change": lambda: after("the user's passwords replaced by a person"),
    "on three shards": lambda: Line.of(made(shards=3), rotating=True),
}


def go_through(counted: Counter[str], actions: int, what: str, line: Line) -> None:
    states, invocations = search(line, actions)
    counted[f"states with at most {actions} foreign actions {what}"] += states
    counted[f"invocations with at most {actions} foreign actions {what}"] += invocations


@pytest.mark.parametrize("what", BEGINNINGS)
def test_one_foreign_action(what: str, counted: Counter[str]) -> None:
    go_through(counted, 1, what, BEGINNINGS[what]())


@pytest.mark.slow
@pytest.mark.parametrize("what", ["in a rotation", "at rest"])
def test_two_foreign_actions(what: str, counted: Counter[str]) -> None:
    go_through(counted, 2, what, BEGINNINGS[what]())


@pytest.mark.slow
@pytest.mark.parametrize("choice", PAIRS)
def test_one_foreign_action_whatever_aws_does_where_it_promises_nothing(
    choice: Choice, counted: Counter[str]
) -> None:
    line = Line.of(made(choice), rotating=True)
    go_through(counted, 1, "and AWS's open questions in pairs", line)


@pytest.mark.long
@pytest.mark.parametrize("what", ["in a rotation", "at rest"])
def test_three_foreign_actions(what: str, counted: Counter[str]) -> None:
    go_through(counted, 3, what, BEGINNINGS[what]())


@pytest.mark.long
@pytest.mark.parametrize("actions", [1, 2])
def test_more_of_them_whatever_aws_does_where_it_promises_nothing(
    actions: int, counted: Counter[str]
) -> None:
    for choice in ALL if actions == 1 else PAIRS:
        line = Line.of(made(choice), rotating=True)
        go_through(counted, actions, "and AWS's open questions", line)
