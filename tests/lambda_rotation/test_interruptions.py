"""The process is ended before and after every call of AWS and Redis, then the rest goes on."""

from collections import Counter, deque
from collections.abc import Callable
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


@pytest.mark.plan("2.3")
@pytest.mark.parametrize("beginning", BEGINNINGS)
def test_a_rotation_killed_at_any_call_locks_nobody_out_and_ends(
    beginning: str, counted: Counter[str]
) -> None:
    for line in BEGINNINGS[beginning]().to_rest():
        for index in range(len(line.run({}).world.trace) + 1):
            counted["interruption points (before and after every call of AWS and Redis)"] += 1
            deque(line.run({index: KILLED}).to_rest(), maxlen=0)  # raises what the world raises
