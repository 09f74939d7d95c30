"""A short scenario on the deployed production, which is left as it was found."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from rehearsal.common import stacks
from rehearsal.common.deployed import GROUP
from rehearsal.common.rehearsal import Rehearsal
from rehearsal.common.steps import follow
from rehearsal.rotation.function import Function, Rotator, Secret, Times
from rehearsal.rotation.steps import Plan, RotationScenario
from tests.rehearsal.broken_build import Broken, broken_build

STACK = "vibewell-redis-production-data"


@pytest.fixture
def secret(deployed: Rehearsal) -> Secret:
    return Secret(deployed)


@pytest.fixture
def function(deployed: Rehearsal, secret: Secret) -> Iterator[Function]:
    """The function, with its own times after the test, and nothing left of a rotation."""
    found = Function(deployed, secret.arn)
    yield found
    times = Times(client_cache=1, retire_after=3)
    found.compress(times)
    turn = Rotator(deployed, secret, found, times)
    # What a broken function sent is not given its ten minutes.
    deployed.aws("secretsmanager").untag_resource(SecretId=secret.arn, TagKeys=["redis-token:sent"])
    turn.settle()
    turn.expect_accepted(secret.current(), True, "AWSCURRENT's token")
    found.restore()


@pytest.fixture
def broken(deployed: Rehearsal, function: Function) -> Broken:
    return broken_build(deployed, "rotation", [function.name])


@pytest.fixture
def retention_changed(deployed: Rehearsal) -> Iterator[Callable[[Rehearsal], str]]:
    """A deployment, as a step of the scenario, that changes one property of the group."""

    def keep_longer(resources: stacks.Resources) -> None:
        (group,) = (one for one in resources.values() if one["Type"] == GROUP)
        group["Properties"]["SnapshotRetentionLimit"] += 1

    def update(_rehearsal: Rehearsal) -> str:
        stacks.update(deployed, STACK, keep_longer)
        return "UPDATE_COMPLETE"

    yield update
    stacks.update(deployed, STACK, lambda _resources: None)


def perform(plan: Plan, rehearsal: Rehearsal, **options: float) -> str:
    """Do every step of a rotation scenario; returns all that they say."""
    with ExitStack() as context:
        return "\n".join(follow(rehearsal, RotationScenario(plan, context, **options).steps))
