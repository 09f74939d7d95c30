"""The process is ended before and after every call of AWS and Redis, then the rest goes on."""

import itertools
from collections import Counter

import pytest

from tests.lambda_rotation.histories import (
    HISTORIES,
    WAYS_ON,
    History,
    WayOn,
    in_time,
    play,
    points,
    reconciler_alone,
)
from tests.lambda_rotation.model.elasticache import Unknowns
from tests.lambda_rotation.model.world import PASS, Kill, World

EVERY_UNKNOWN = [Unknowns(*choice) for choice in itertools.product((False, True), repeat=3)]


# Every way on from the usual history, and one from each of the others; the search has all of them.
TRIED = [(in_time, way_on) for way_on in WAYS_ON] + [
    (history, reconciler_alone) for history in HISTORIES if history is not in_time
]


@pytest.mark.parametrize(("history", "way_on"), TRIED, ids=lambda one: one.__name__)
def test_a_rotation_killed_at_any_call_locks_nobody_out_and_ends(
    history: History, way_on: WayOn, counted: Counter[str]
) -> None:
    _kill_everywhere(history, way_on, Unknowns(), counted)


def test_a_rotation_killed_at_any_call_and_again_in_the_next_pass_ends(
    counted: Counter[str],
) -> None:
    for number, kill in points(in_time, World.rotated_before(quick=True)):
        for again in itertools.count(1):
            world = World.rotated_before(quick=True)
            play(in_time, world, number, kill)
            world.pass_by(PASS)
            if world.reconcile(Kill(again, "after")) != "killed":
                break
            world.let_go()
            counted["rotations interrupted twice"] += 1


@pytest.mark.search
@pytest.mark.parametrize("unknowns", EVERY_UNKNOWN, ids=str)
@pytest.mark.parametrize("way_on", WAYS_ON, ids=lambda way_on: way_on.__name__)
@pytest.mark.parametrize("history", HISTORIES, ids=lambda history: history.__name__)
def test_it_is_so_whatever_aws_does_where_it_promises_nothing(
    history: History, way_on: WayOn, unknowns: Unknowns, counted: Counter[str]
) -> None:
    _kill_everywhere(history, way_on, unknowns, counted)


def _kill_everywhere(
    history: History, way_on: WayOn, unknowns: Unknowns, counted: Counter[str]
) -> None:
    found = points(history, World.rotated_before(unknowns, quick=True))
    assert found
    for number, kill in found:
        world = World.rotated_before(unknowns, quick=True)
        play(history, world, number, kill)
        way_on(world)
        world.let_go()
        world.complete_one_more()
    counted[f"rotations interrupted, {way_on.__name__.replace('_', ' ')}"] += len(found)
    if way_on is reconciler_alone:
        counted["interruption points (before and after every call of AWS and Redis)"] += len(found)
