"""The scenario passes for the function as it is, and fails for one that locks clients out."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest

from rehearsal.common import stacks
from rehearsal.common.deployed import GROUP
from rehearsal.common.errors import RehearsalError
from rehearsal.common.rehearsal import Rehearsal
from rehearsal.common.steps import follow
from rehearsal.rotation import steps
from rehearsal.rotation.function import Rotation, Times
from rehearsal.rotation.steps import ONE_BY_ONE, Plan, RotationScenario, sends_nothing
from tests.rehearsal.broken_build import Broken, broken_build

STACK = "vibewell-redis-production-data"

TIMES = Times(client_cache=1, retire_after=3)
ONCE = Plan(rotations=1, clients=4, times=TIMES)

LOOKS = (
    "rotation/convergence.py",
    "    yield from fault(view.taken(view.retired), ",
    "    yield from fault([], ",
)
COUNTS = (
    "rotation/convergence.py",
    "    too_many = (user.passwords or 0) > len(view.wanted)",
    "    too_many = False",
)

pytestmark = pytest.mark.usefixtures("rotation")


@pytest.fixture
def rotation(deployed: Rehearsal) -> Iterator[Rotation]:
    """With the function's own times after the test, and nothing left of a rotation."""
    found = Rotation(deployed, TIMES)
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


def test_no_command_of_any_client_fails_whatever_happens_to_the_user(
    deployed: Rehearsal, retention_changed: Callable[[Rehearsal], str]
) -> None:
    plan = Plan(
        rotations=2,
        clients=4,
        times=TIMES,
        deployments={
            1: sends_nothing(("a deployment", retention_changed)),
            2: ("make deploy", steps.only_of_the_user),
        },
        unkind={2: ONE_BY_ONE},
        foreign=(2,),
    )
    said = perform(plan, deployed)
    assert "the old token lives 24 h -> 3 s" in said
    assert "UPDATE_COMPLETE, and nothing was sent to the user" in said
    assert "make deploy: Try again in" in said
    assert "none of their commands failed" in said
    assert "5 tokens are in none of" in said


def test_a_function_that_retires_the_old_token_at_once_fails_the_scenario(
    deployed: Rehearsal, broken: Broken
) -> None:
    waits = ("shared/versions.py", "now >= since + retire_after)", "now >= since)")
    pauses = (COUNTS[0], "PAUSE_OF_ALL = timedelta(minutes=5)", "PAUSE_OF_ALL = timedelta()")
    plan = Plan(rotations=1, clients=4, times=Times(client_cache=60, retire_after=120))
    with (
        broken(waits, pauses),
        # A node is asked before the clients end, if it is slow.
        pytest.raises(RehearsalError, match=r"failed, .*AuthenticationError|: accepts the token"),
    ):
        perform(plan, deployed)


def test_clients_that_never_read_the_secret_anew_fail_the_scenario(deployed: Rehearsal) -> None:
    with pytest.raises(RehearsalError, match=r"[1-9]\d* commands failed, .*AuthenticationError"):
        perform(ONCE, deployed, client_cache=3600)


@pytest.mark.parametrize(
    ("pieces", "foreign", "why"),
    [
        ((LOOKS, COUNTS), (), "accepts the old token after its retirement"),
        ((COUNTS,), (1,), "accepts the password that was added by hand"),
    ],
    ids=["the old token", "what others added"],
)
def test_a_function_that_does_not_look_what_is_refused_is_not_believed(
    deployed: Rehearsal,
    broken: Broken,
    pieces: tuple[tuple[str, str, str], ...],
    foreign: tuple[int, ...],
    why: str,
) -> None:
    plan = replace(ONCE, foreign=foreign)
    with broken(*pieces), pytest.raises(RehearsalError, match=why):
        perform(plan, deployed)
