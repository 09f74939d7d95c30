"""Ways a rotation can go, call by call of our function, and ways on after it was killed.

A history is a generator: what it yields runs one call of the function, with a kill or without.
"""

from collections.abc import Callable, Iterator
from typing import Literal

from tests.lambda_rotation.model.secrets_manager import PENDING
from tests.lambda_rotation.model.world import PASS, PASSES, STEPS, Kill, World

Invocation = Callable[[Kill | None], object]
History = Callable[[World], Iterator[Invocation]]
WayOn = Callable[[World], None]


def in_time(world: World) -> Iterator[Invocation]:
    """Secrets Manager calls until the group is ready; the reconciler retires."""
    version = world.rotate_secret()
    yield from _four(world, version)
    world.pass_by(PASS)
    yield from _four(world, version)
    world.clean_up(version)
    yield from _reconciled(world)


def given_up(world: World) -> Iterator[Invocation]:
    """Secrets Manager announces a version and never calls again."""
    world.rotate_secret()
    yield from _reconciled(world)


def resumed(world: World) -> Iterator[Invocation]:
    """Cancelled after ROTATE, AWSPENDING removed by hand as AWS says, and started again."""
    first = world.rotate_secret()
    yield from _four(world, first)
    world.secret.take_away(PENDING)
    yield from _four(world, world.rotate_secret())
    yield from _four(world, first)
    yield from _reconciled(world)


def twice_in_a_row(world: World) -> Iterator[Invocation]:
    """Started again when AWSCURRENT has moved and the old token is not retired."""
    for _ in range(2):
        version = world.rotate_secret()
        yield from _four(world, version)
        world.pass_by(PASS)
        yield from _four(world, version)
        world.clean_up(version)
    yield from _reconciled(world)


def labels_removed(world: World) -> Iterator[Invocation]:
    """Cancelled after ROTATE, and a person removed all labels from the new version."""
    yield from _four(world, world.rotate_secret())
    remove_both_labels(world)
    yield from _four(world, world.rotate_secret())
    yield from _reconciled(world)


HISTORIES: tuple[History, ...] = (in_time, given_up, resumed, twice_in_a_row, labels_removed)


def reconciler_alone(_: World) -> None:
    """Nobody calls but our schedule."""


def service_retries(world: World) -> None:
    """Secrets Manager begins again with the same version, twice."""
    version = world.secret.holding(PENDING)
    for _ in range(2):
        if version is not None:
            world.steps(version)
        world.pass_by(PASS)


def started_again(world: World) -> None:
    """A person removes AWSPENDING and starts another rotation."""
    world.secret.take_away(PENDING)
    world.steps(world.rotate_secret())


def started_again_from_nothing(world: World) -> None:
    """A person removes our label too."""
    remove_both_labels(world)
    world.steps(world.rotate_secret())


WAYS_ON: tuple[WayOn, ...] = (
    reconciler_alone,
    service_retries,
    started_again,
    started_again_from_nothing,
)


def remove_both_labels(world: World) -> None:
    """Take AWSPENDING and our label away from wherever they are."""
    world.secret.take_away(PENDING)
    world.secret.take_away("ROTATING")


def points(history: History, world: World) -> list[tuple[int, Kill]]:
    """Every place in a history where the process can end: number of the invocation, and the kill.

    Before and after every call, of AWS as of Redis.
    """
    sides: tuple[Literal["before", "after"], ...] = ("before", "after")
    found = []
    for number, invoke in enumerate(history(world)):
        invoke(None)
        for call in range(1, world.calls + 1):
            found += [(number, Kill(call, side)) for side in sides]
    return found


def play(history: History, world: World, number: int, kill: Kill) -> None:
    """Go through a history up to the invocation of this number, which is killed."""
    for at, invoke in enumerate(history(world)):
        if at == number:
            assert invoke(kill) == "killed"
            return
        invoke(None)
    raise AssertionError("the history ended before the kill")


def _four(world: World, version: str) -> Iterator[Invocation]:
    """The four steps, the way Secrets Manager goes: not on after one that failed."""
    for name in STEPS:
        answers: list[object] = []

        def invoke(kill: Kill | None, name: str = name, answers: list[object] = answers) -> object:
            answers.append(world.step(name, version, kill))
            return answers[0]

        yield invoke
        if answers[0] is not None:
            return


def _reconciled(world: World) -> Iterator[Invocation]:
    for _ in range(PASSES):
        if world.over:
            return
        world.pass_by(PASS)
        yield world.reconcile
