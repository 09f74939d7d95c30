"""How long clients are refused, or anybody is served, after a foreign change: measured."""

from collections import Counter

import pytest

from tests.lambda_rotation.actions import act
from tests.lambda_rotation.model.world import World

CHANGES = (
    "the user's passwords replaced by a person",
    "an old token sent by CloudFormation",
    "no password required",
    "AWSCURRENT moved back",
)
SECONDS, A_FEW = 10, 60  # between two looks; that the calls of one pass take


def exposed(name: str, takes: int, every: int, after: int) -> int:
    """Seconds from a foreign change until every node is as it should be, and stays so."""
    world = World.rotated_before(quick=True)
    world.takes(takes)
    world.reconcile()
    world.pass_by(after)
    begin, next_pass, last = world.now, world.now + every - after, world.now
    act(name)(world)
    while world.now < begin + 2 * takes + 3 * every:
        world.pass_by(SECONDS)
        if world.now >= next_pass:
            next_pass += every
            world.reconcile()
        current = str(world.secret.value("AWSCURRENT"))
        if not all(world.cache.accepts(node, current) for node in world.cache.nodes):
            last = world.now
    return last - begin


@pytest.mark.plan("2.3")
@pytest.mark.parametrize("takes", [300, 1200])
@pytest.mark.parametrize("every", [300, 900])
def test_the_exposed_window_is_aws_s_change_one_pass_and_our_change(
    takes: int, every: int, counted: Counter[str]
) -> None:
    offsets = range(0, every, 60)
    longest = max(exposed(name, takes, every, after) for name in CHANGES for after in offsets)
    assert longest <= takes + every + takes + A_FEW
    assert longest > takes + every, "a foreign change harms nobody here: what is measured?"
    counted[f"seconds refused at most: a change takes {takes}, a pass comes every {every}"] = (
        longest
    )
