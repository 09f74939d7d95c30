"""The process is ended before and after every call of AWS and Redis, then the rest goes on."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from tests.lambda_rotation.model.world import World
from tests.lambda_rotation.search import Line

KILLED = ("the process killed",)
# Secrets Manager calls until the nodes are ready, never calls, or rotates for the first time.
BEGINNINGS: dict[str, Callable[[], Line]] = {
    "in time": lambda: Line.of(World.rotated_before(quick=True), rotating=True),
    "given up": lambda: replace(BEGINNINGS["in time"](), version=None),
    "first": lambda: Line.of(World(quick=True), rotating=True),
}


def killed(line: Line) -> Iterator[Line]:
    """The line after its next invocation, ended before each of its calls and after the last."""
    for index in range(len(line.run({}).world.trace) + 1):
        yield line.run({index: KILLED})


def to_rest(line: Line) -> None:
    """Raises what the world raises on the way, and where there is no rest."""
    for _ in line.to_rest():
        pass


@pytest.mark.plan("2.3")
@pytest.mark.parametrize("beginning", BEGINNINGS)
def test_a_rotation_killed_at_any_call_locks_nobody_out_and_ends(
    beginning: str, counted: Counter[str]
) -> None:
    """And so does one in time that is killed again at any call of the next invocation."""
    for line in BEGINNINGS[beginning]().to_rest():
        for after in killed(line):
            counted["interruption points (before and after every call of AWS and Redis)"] += 1
            to_rest(after)
            for again in killed(after) if beginning == "in time" else ():
                counted["rotations interrupted twice"] += 1
                to_rest(again)
