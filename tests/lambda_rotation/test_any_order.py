"""Everything that can happen to a rotation, in any order, with the process killed anywhere."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.lambda_rotation.model.elasticache import NODES, Unknowns
from tests.lambda_rotation.model.fake_aws import ServiceError
from tests.lambda_rotation.model.secrets_manager import CURRENT, PENDING
from tests.lambda_rotation.model.world import STEPS, Kill, World

kills = st.none() | st.builds(Kill, st.integers(1, 14), st.sampled_from(("before", "after")))
unknowns = st.builds(Unknowns, st.booleans(), st.booleans(), st.booleans())
minutes = st.sampled_from((0, 1, 5, 15, 31, 61, 120))


class Rotations(RuleBasedStateMachine):
    """The world checks after every change that no client is locked out.

    There are few rules, and each takes a large step, so that most runs get to the end of a
    rotation and into the next.
    """

    @initialize(unknowns=unknowns, cleans_up=st.booleans(), first=st.booleans())
    def begin(self, unknowns: Unknowns, cleans_up: bool, first: bool) -> None:
        self.world = self.made(unknowns, first)
        self.world.service_cleans_up = cleans_up
        self.versions: list[str] = []
        self.traces = "all"

    @staticmethod
    def made(unknowns: Unknowns, first: bool) -> World:
        if first:
            return World(unknowns, quick=True)
        return World.rotated_before(unknowns, quick=True)

    def known(self, which: int) -> str:
        return self.versions[-1 - which % len(self.versions[-4:])]

    # Secrets Manager: the four steps in their order, or any step of any version.

    @rule(again=st.none() | st.integers(0, 3), kill=kills)
    def a_rotation_is_started(self, again: int | None, kill: Kill | None) -> None:
        version = None if again is None or not self.versions else self.known(again)
        try:
            self.versions.append(self.world.rotate_secret(version))
        except ServiceError:
            assert self.world.secret.holding(PENDING) != self.world.secret.holding(CURRENT)
        else:
            self.world.step("createSecret", self.versions[-1], kill)

    @precondition(lambda self: self.versions)
    @rule(minutes=minutes, times=st.integers(1, 3))
    def secrets_manager_retries(self, minutes: int, times: int) -> None:
        for _ in range(times):
            self.world.pass_by(timedelta(minutes=minutes))
            self.world.steps(self.versions[-1])

    @precondition(lambda self: self.versions)
    @rule(name=st.sampled_from(STEPS), which=st.integers(0, 3), kill=kills)
    def any_step(self, name: str, which: int, kill: Kill | None) -> None:
        self.world.step(name, self.known(which), kill)

    # Our schedule.

    @rule(minutes=minutes, times=st.integers(1, 4), kill=kills)
    def the_reconciler_passes(self, minutes: int, times: int, kill: Kill | None) -> None:
        for number in range(times):
            self.world.pass_by(timedelta(minutes=minutes))
            self.world.reconcile(kill if number == times - 1 else None)

    # People, and deployments that the deploy command lets through. Our label, our tags and AWS's
    # word that a change was made: each may fail, but without any two of them nobody would know
    # which token to look for.

    @rule(labels=st.sampled_from(((PENDING,), ("ROTATING",), (PENDING, "ROTATING"))))
    def labels_are_removed_by_hand(self, labels: tuple[str, ...]) -> None:
        for label in labels:
            if label == PENDING or self.loses("label"):
                self.world.secret.take_away(label)

    @rule()
    def tags_are_lost(self) -> None:
        if self.loses("tags"):
            self.world.secret.tags.clear()

    def loses(self, trace: str) -> bool:
        if self.traces == "all":
            self.traces = trace
        return self.traces == trace

    @precondition(lambda self: self.world.deployable)
    @rule(sends_token=st.booleans())
    def a_deployment(self, sends_token: bool) -> None:
        if sends_token:
            self.world.rotate_again_by_cloudformation()
        version = self.world.rotate_secret()
        self.world.step("testSecret", version)
        self.world.secret.take_away(PENDING)

    # ElastiCache and the network at their worst.

    @rule(
        seconds=st.sampled_from((5, 300, 1200, 2400)),
        snapshot_minutes=minutes,
        failing_over=st.none() | st.sampled_from(NODES),
        failover_minutes=minutes,
        throttled_calls=st.integers(0, 5),
        comes_to_nothing=st.booleans(),
    )
    def aws_is_at_its_worst(
        self,
        seconds: int,
        snapshot_minutes: int,
        failing_over: str | None,
        failover_minutes: int,
        throttled_calls: int,
        comes_to_nothing: bool,
    ) -> None:
        self.world.group.seconds = seconds
        self.world.group.occupy("snapshotting", 60 * snapshot_minutes)
        if failing_over is not None:
            self.world.group.fail_over(failing_over, 60 * failover_minutes)
        self.world.throttled = throttled_calls
        if comes_to_nothing and self.loses("changes"):
            self.world.group.come_to_nothing += 1

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.let_go()
            self.world.complete_one_more()


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


def test_whatever_happens_nobody_is_locked_out_and_the_rotation_ends() -> None:
    _search(examples=300, steps=40)


@pytest.mark.search
def test_it_is_so_in_a_long_search() -> None:
    _search(examples=5000, steps=80)
