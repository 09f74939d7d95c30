"""A short scenario on the deployed production, which is left as it was found."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from rehearsal.common import stacks
from rehearsal.common.deployed import GROUP
from rehearsal.common.rehearsal import Rehearsal
from rehearsal.common.steps import follow
from rehearsal.rotation.function import Rotation, Times
from rehearsal.rotation.steps import Plan, RotationScenario
from tests.rehearsal.broken_build import Broken, broken_build

STACK = "vibewell-redis-production-data"


@pytest.fixture
def rotation(deployed: Rehearsal) -> Iterator[Rotation]:
    """With the function's own times after the test, and nothing left of a rotation."""
    found = Rotation(deployed, Times(client_cache=1, retire_after=3))
    yield found
    found.compress()
    # What a broken function sent is not given its ten minutes.
    manager, tags = deployed.aws("secretsmanager"), ["redis-token:sent"]
    manager.untag_resource(SecretId=found.secret, TagKeys=tags)
    found.settle()
    found.expect_accepted(found.current(), True, "AWSCURRENT's token")
    found.restore()


@pytest.fixture
def broken(deployed: Rehearsal, rotation: Rotation) -> Broken:
    return broken_build(deployed, "rotation", [rotation.function])


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
