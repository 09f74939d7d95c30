"""Everything that can happen to a rotation, in any order and at any call, chosen at random."""

from contextlib import suppress

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.lambda_rotation.actions import ACTIONS, act
from tests.lambda_rotation.model.services import PENDING, Promises
from tests.lambda_rotation.model.world import STEPS, Killed, World

# How many minutes of passes go by, what is then invoked, and what happens before which call of it.
plans = st.dictionaries(st.integers(0, 30), st.sampled_from(list(ACTIONS)), max_size=2)
events = st.tuples(
    st.sampled_from((0, 1, 5, 14, 31, 61, 120)),
    st.sampled_from(("pass", "action", "RotateSecret", "slow", "throttled", *STEPS)),
    plans,
)
worlds = st.builds(
    lambda make, shards, *promises: make(Promises(*promises), quick=True, shards=shards),
    st.sampled_from((World, World.rotated_before)),
    st.sampled_from((1, 3)),
    *[st.booleans()] * 8,
)


def live(world: World, history: list[tuple[int, str, dict[int, str]]]) -> None:
    """The world checks after every change that no client is locked out."""
    for minutes, what, plan in history:
        happens = {index: act(name) for index, name in plan.items()}
        world.live(60 * minutes)
        version = world.secret.labels.get(PENDING)
        if what == "pass":
            world.reconcile(happens)
        elif what == "slow":
            world.takes((5, 300, 1200, 2400)[minutes % 4])
        elif what == "throttled":
            world.throttled = minutes % 6
        elif what in STEPS and version:
            world.steps(version, {what: happens})
        else:
            for action in happens.values() if what == "action" else [act("RotateSecret")]:
                with suppress(Killed):
                    action(world)
                world.check()
    world.let_go()
    world.complete_one_more()


# Found by the search: AWS's changes become slower while one is under way.
SLOWER = [(0, "pass", {0: "no password required"}), (14, "slow", {})]


def search(examples: int, length: int) -> None:
    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @example(World(quick=True), SLOWER)
    @given(worlds, st.lists(events, max_size=length))
    def anything_happens(world: World, history: list[tuple[int, str, dict[int, str]]]) -> None:
        live(world, history)

    anything_happens()


@pytest.mark.slow
@pytest.mark.plan("2.3")
def test_whatever_happens_nobody_is_locked_out_and_the_rotation_ends() -> None:
    search(examples=300, length=25)


@pytest.mark.search
def test_it_is_so_in_a_long_search() -> None:
    search(examples=3000, length=50)
