"""What others do to the secret, the user and the nodes, at any call of the function.

Each takes the world; where a service refuses it, nothing happens.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from tests.lambda_rotation.model.elasticache import Passwords
from tests.lambda_rotation.model.fake_aws import ServiceError
from tests.lambda_rotation.model.secrets_manager import CURRENT, PENDING, PREVIOUS
from tests.lambda_rotation.model.world import PASS, WRITES, Action, World, kill

FOREIGN = "Foreign" * 9 + "1"
UNUSABLE = '{"token": "of another type of secret"}'


def _list(*labels: str, foreign: bool = False, open: bool = False) -> Action:  # noqa: A002
    """A person or CloudFormation replaces the user's passwords by those of these labels."""

    def change(world: World) -> None:
        tokens = [world.secret.value(label) for label in labels] + [FOREIGN] * foreign
        known = tuple(token for token in dict.fromkeys(tokens) if token)
        if known or open:
            world.foreign_change(Passwords(known, open))

    return change


def _taken_away(label: str) -> Action:
    return lambda world: world.person_changes(lambda secret: secret.take_away(label))


def _current_moved(to: str) -> Action:
    def move(world: World) -> None:
        version = world.secret.labels.get(to)
        if version and world.secret.value(to) not in (None, UNUSABLE):
            world.person_moves_current(version)

    return move


def _pending_moved(world: World) -> None:
    version = world.secret.labels.get(PREVIOUS)
    if version:
        world.person_changes(lambda secret: secret.attach(version, PENDING))


def _tags_lost(world: World) -> None:
    world.person_changes(lambda secret: secret.tags.clear())


def _unusable_pending(world: World) -> None:
    world.person_changes(lambda secret: secret.store("by-hand-" + "0" * 32, UNUSABLE, PENDING))


def _rotation(world: World) -> None:
    world.rotate_secret()


def _deployment(world: World) -> None:
    """Secrets Manager tests the function on a version that it makes and removes."""
    before = world.secret.labels.get(PENDING)
    version = world.rotate_secret()
    world.step("testSecret", version)
    world.secret.take_away(PENDING)
    if before:
        world.secret.labels[PENDING] = before


def _snapshot(world: World) -> None:
    world.cache.busy_until = world.now + 2 * PASS
    world.obstructed()


def _node(**fields: object) -> Action:
    """The last node, in whatever order they are."""

    def change(world: World) -> None:
        name = max(world.cache.nodes)
        node = world.cache.nodes[name]
        if "silent_until" in fields:
            world.cache.nodes[name] = replace(node, silent_until=world.now + PASS)
        elif "has" in fields:
            world.cache.nodes[name] = replace(node, has=world.cache.user, coming=())
        else:
            world.late += 1
            world.obstructed()
            world.cache.nodes[name] = replace(node, late=True)

    return change


def _overlapping_pass(world: World) -> None:
    world.reconcile()


def _overlapping_step(name: str) -> Action:
    def step(world: World) -> None:
        version = world.secret.labels.get(PENDING)
        if version:
            world.step(name, version)

    return step


_TAGS = frozenset({"describe_secret", "tag_resource", "untag_resource"})
_LABELS = frozenset({"describe_secret", "put_secret_value", "update_secret_version_stage"})
_VERSIONS = _LABELS | {"get_secret_value"}
_USER = frozenset({"describe_users", "modify_user"})
_NODE = frozenset({"last node", "modify_user"})
_SENT = frozenset({"modify_user"})

# What happens, and which calls see it: before any other call it is the same as before those.
ACTIONS: dict[str, tuple[Action, frozenset[str]]] = {
    "the user's passwords replaced by a person": (_list(foreign=True), _USER),
    "a second password by a person": (_list(CURRENT, foreign=True), _USER),
    "AWSCURRENT's token alone sent by CloudFormation": (_list(CURRENT), _USER),
    "an old token sent by CloudFormation": (_list(PREVIOUS), _USER),
    "AWSPENDING's token alone by a person": (_list(PENDING), _USER),
    "no password required": (_list(open=True), _USER),
    "AWSPENDING removed": (_taken_away(PENDING), _VERSIONS),
    "AWSPREVIOUS removed": (_taken_away(PREVIOUS), _VERSIONS),
    "AWSCURRENT moved back": (_current_moved(PREVIOUS), _LABELS),
    "AWSCURRENT moved on": (_current_moved(PENDING), _LABELS),
    "AWSPENDING moved to AWSPREVIOUS": (_pending_moved, _LABELS),
    "tags lost": (_tags_lost, _TAGS),
    "a value that is no password under AWSPENDING": (_unusable_pending, _LABELS),
    "RotateSecret": (_rotation, _LABELS),
    "a deployment's test": (_deployment, _LABELS),
    "a snapshot": (_snapshot, _SENT),
    "a failover": (_node(silent_until=0), _NODE),
    "a replaced replica": (_node(has=None), _NODE),
    "a node that is late with the next change": (_node(), _SENT),
    "the process killed": (kill, WRITES),
    "an overlapping pass": (_overlapping_pass, WRITES),
    "an overlapping setSecret": (_overlapping_step("setSecret"), WRITES),
    "an overlapping finishSecret": (_overlapping_step("finishSecret"), WRITES),
}


def act(name: str) -> Action:
    """The action, or nothing where a service refuses it."""
    action = ACTIONS[name][0]

    def try_it(world: World) -> None:
        with suppress(ServiceError):
            action(world)

    return try_it
