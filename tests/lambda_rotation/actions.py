"""What others do to the secret, the user and the nodes, at any call of the function."""

from contextlib import suppress
from dataclasses import replace
from typing import Any

from tests.lambda_rotation.model.fake_aws import ServiceError
from tests.lambda_rotation.model.services import CURRENT, PENDING, PREVIOUS, Passwords
from tests.lambda_rotation.model.world import PASS, WRITES, Action, Killed, World

FOREIGN = "Foreign" * 9 + "1"
UNUSABLE = '{"token": "of another type of secret"}'


def _passwords(*labels: str, foreign: bool = False, open: bool = False) -> Action:  # noqa: A002
    """A person or CloudFormation replaces the user's passwords by those of these labels."""

    def change(world: World) -> None:
        tokens = [world.secret.value(label) for label in labels] + [FOREIGN] * foreign
        known = tuple(token for token in dict.fromkeys(tokens) if token)
        if known or open:
            world.foreign_change(Passwords(known, open))

    return change


def _taken_away(label: str) -> Action:
    return lambda world: world.person_changes(lambda secret: secret.take_away(label))


def _moved(label: str, to: str) -> Action:
    def move(world: World) -> None:
        version = world.secret.labels.get(to)
        if version and world.secret.value(to) not in (None, UNUSABLE):
            if label == CURRENT:
                world.person_changes(lambda secret: secret.move_current(version))
            else:
                world.person_changes(lambda secret: secret.attach(version, label))

    return move


def _tags_lost(world: World) -> None:
    world.person_changes(lambda secret: secret.tags.clear())


def _unusable(world: World) -> None:
    world.person_changes(lambda secret: secret.store("by-hand-" + "0" * 32, UNUSABLE, PENDING))


def _deployment(world: World) -> None:
    """Secrets Manager tests the function on a version that it makes and removes."""
    before = world.secret.labels.get(PENDING)
    version = world.rotate_secret()
    world.rotations -= 1
    world.step("testSecret", version)
    world.secret.take_away(PENDING)
    if before:
        world.secret.labels[PENDING] = before


def _snapshot(world: World) -> None:
    world.cache.busy_until = world.now + 2 * PASS
    world.hinder()


def _late(world: World) -> None:
    world.late += 1
    world.hinder()
    _last_node(world, late=True)


def _last_node(world: World, **fields: Any) -> None:
    name = max(world.cache.nodes)
    world.cache.nodes[name] = replace(world.cache.nodes[name], **fields)


def _kill(_: World) -> None:
    raise Killed


def _overlapping(step: str) -> Action:
    return lambda world: world.step(step, world.secret.labels.get(PENDING, "none"))


_LABELS = {"describe_secret", "put_secret_value", "update_secret_version_stage"}
_VERSIONS = _LABELS | {"get_secret_value"}
_TAGS = {"describe_secret", "tag_resource", "untag_resource"}
_USER, _NODE, _SENT = (
    {"describe_users", "modify_user"},
    {"last node", "modify_user"},
    {"modify_user"},
)

# What happens, and which calls see it: before any other call it is the same as before those.
ACTIONS: dict[str, tuple[Action, set[str]]] = {
    "the user's passwords replaced by a person": (_passwords(foreign=True), _USER),
    "a second password by a person": (_passwords(CURRENT, foreign=True), _USER),
    "AWSCURRENT's token alone sent by CloudFormation": (_passwords(CURRENT), _USER),
    "an old token sent by CloudFormation": (_passwords(PREVIOUS), _USER),
    "AWSPENDING's token alone by a person": (_passwords(PENDING), _USER),
    "no password required": (_passwords(open=True), _USER),
    "AWSPENDING removed": (_taken_away(PENDING), _VERSIONS),
    "AWSPREVIOUS removed": (_taken_away(PREVIOUS), _VERSIONS),
    "AWSCURRENT moved back": (_moved(CURRENT, PREVIOUS), _LABELS),
    "AWSCURRENT moved on": (_moved(CURRENT, PENDING), _LABELS),
    "AWSPENDING moved to AWSPREVIOUS": (_moved(PENDING, PREVIOUS), _LABELS),
    "tags lost": (_tags_lost, _TAGS),
    "a value that is no password under AWSPENDING": (_unusable, _LABELS),
    "RotateSecret": (World.rotate_secret, _LABELS),
    "a deployment's test": (_deployment, _LABELS),
    "a snapshot": (_snapshot, _SENT),
    "a failover": (lambda w: _last_node(w, silent_until=w.now + PASS), _NODE),
    "a replaced replica": (lambda w: _last_node(w, has=w.cache.user, coming=()), _NODE),
    "a node that is late with the next change": (_late, _SENT),
    "the process killed": (_kill, WRITES),
    "an overlapping pass": (World.reconcile, WRITES),
    "an overlapping setSecret": (_overlapping("setSecret"), WRITES),
    "an overlapping finishSecret": (_overlapping("finishSecret"), WRITES),
}


def act(name: str) -> Action:
    """The action, or nothing where a service refuses it."""
    action = ACTIONS[name][0]

    def try_it(world: World) -> None:
        with suppress(ServiceError):
            action(world)

    return try_it
