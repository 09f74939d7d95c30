"""Everything that can happen to a rotation, in any order and at any call, chosen at random."""

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)

from tests.lambda_rotation.actions import ACTIONS, act
from tests.lambda_rotation.model.elasticache import Promises
from tests.lambda_rotation.model.fake_aws import ServiceError
from tests.lambda_rotation.model.secrets_manager import PENDING
from tests.lambda_rotation.model.world import STEPS, Action, World, kill

minutes = st.sampled_from((0, 1, 5, 14, 31, 61, 120))
plans = st.dictionaries(
    st.integers(0, 30), st.sampled_from([*ACTIONS, "the process killed"]), max_size=2
)


class Rotations(RuleBasedStateMachine):
    """The world checks after every change that no client is locked out.

    There are few rules, and each takes a large step, so that most runs get to the end of a
    rotation and into the next.
    """

    @initialize(
        promises=st.builds(Promises, *[st.booleans()] * 6),
        first=st.booleans(),
        deletes=st.booleans(),
        cleans_up=st.booleans(),
        shards=st.sampled_from((1, 3)),
    )
    def begin(
        self, promises: Promises, first: bool, deletes: bool, cleans_up: bool, shards: int
    ) -> None:
        make = World if first else World.rotated_before
        self.world = make(promises, quick=True, shards=shards, deletes=deletes)
        self.world.service_cleans_up = cleans_up

    @rule(name=st.sampled_from(list(ACTIONS)), minutes=minutes)
    def something_happens(self, name: str, minutes: int) -> None:
        self.world.live(60 * minutes)
        if ACTIONS[name][0] is not kill:
            act(name)(self.world)
            self.world.check()

    @rule(minutes=minutes, plan=plans, name=st.sampled_from(STEPS))
    def secrets_manager_rotates(self, minutes: int, plan: dict[int, str], name: str) -> None:
        try:
            self.world.rotate_secret()
        except ServiceError:
            assert self.world.secret.labels.get(PENDING)
        for _ in range(2):
            version = self.world.secret.labels.get(PENDING)
            if version:
                self.world.steps(version, {name: _happens(plan)})
            self.world.live(60 * minutes)

    @rule(minutes=minutes, plan=plans)
    def the_reconciler_passes(self, minutes: int, plan: dict[int, str]) -> None:
        self.world.live(60 * minutes)
        self.world.reconcile(_happens(plan))

    @rule(seconds=st.sampled_from((5, 300, 1200, 2400)), throttled=st.integers(0, 5))
    def aws_is_at_its_worst(self, seconds: int, throttled: int) -> None:
        self.world.takes(seconds)
        self.world.throttled = throttled

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.let_go()
            self.world.complete_one_more()


def _happens(plan: dict[int, str]) -> dict[int, Action]:
    return {index: act(name) for index, name in plan.items()}


def _search(examples: int, steps: int) -> None:
    run_state_machine_as_test(
        Rotations,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.plan("2.3")
def test_whatever_happens_nobody_is_locked_out_and_the_rotation_ends() -> None:
    _search(examples=100, steps=25)


@pytest.mark.search
def test_it_is_so_in_a_long_search() -> None:
    _search(examples=1500, steps=40)
