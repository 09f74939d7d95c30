"""What others do to the user under clients in use: the passes alone heal each change."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from rehearsal.common import stacks
from rehearsal.common.deployed import USER, described_user
from rehearsal.common.errors import eventually, expect_that
from rehearsal.common.rehearsal import only
from rehearsal.rotation.function import Rotation
from rehearsal.rotation.load import Clients

_CHANGE = "2"  # seconds of AWS's for a change


def added(rotation: Rotation, _clients: Clients) -> str:
    """Somebody adds a password: clients log in as before, and the stranger is shut out."""
    stranger = rotation.stranger()
    _set(rotation, rotation.current(), stranger)
    rotation.expect_accepted(stranger, True, "a password that was added by hand")
    passes = rotation.settle()
    rotation.expect_accepted(stranger, False, "the password that was added by hand")
    return f"an added password is refused after {passes} passes"


def replaced(rotation: Rotation, clients: Clients) -> str:
    """Somebody replaces AWSCURRENT's token: who is connected stays, who logs in is refused."""
    stranger = rotation.stranger()
    rotation.rehearsal.ask("promise", seconds=_CHANGE)
    with _exposed(rotation, clients) as seconds:
        _set(rotation, stranger)
    rotation.rehearsal.ask("promise")
    rotation.expect_accepted(stranger, False, "a password that was set by hand")
    return f"AWSCURRENT's token, replaced by hand, is back {seconds()}"


def failed_update(rotation: Rotation, clients: Clients) -> str:
    """A stack update changes the user, fails, and goes back, with either list of passwords."""
    _fail(rotation, old_passwords=False)
    passes = rotation.settle()
    with _exposed(rotation, clients) as seconds:
        _fail(rotation, old_passwords=True)
    rotation.rehearsal.ask("promise")
    return (
        f"a failed stack update that sends AWSCURRENT's token: at rest after {passes} passes; "
        f"one that sends the first token of all: AWSCURRENT's is back {seconds()}"
    )


Change = Callable[[Rotation, Clients], str]
CHANGES: tuple[tuple[str, Change], ...] = (
    ("rotation: a password is added by hand", added),
    ("rotation: the token is replaced by hand", replaced),
    ("rotation: a stack update fails", failed_update),
)


@contextmanager
def _exposed(rotation: Rotation, clients: Clients) -> Iterator[Callable[[], str]]:
    """Around a change that takes AWSCURRENT's token away: one pass later it is back.

    No client can log in meanwhile, so theirs keep their connections, as pools do.
    """
    current, began = rotation.current(), time.monotonic()
    clients.hold()
    yield lambda: f"after {ended - began:.1f} s: AWS's change, one pass and ours"
    rotation.wait_active()
    rotation.expect_accepted(current, False, "AWSCURRENT's token, which was taken away")
    rotation.reconcile()
    words = "AWSCURRENT's token works again after one pass"
    eventually(lambda: all(rotation.taken(current).values()), words)
    ended = time.monotonic()
    clients.let_go()
    rotation.settle()


def _set(rotation: Rotation, *passwords: str) -> None:
    rotation.wait_active()
    user = described_user(rotation.rehearsal)["UserId"]
    cache = rotation.rehearsal.aws("elasticache")
    cache.modify_user(UserId=user, Passwords=list(passwords))
    rotation.wait_active()


def _fail(rotation: Rotation, *, old_passwords: bool) -> None:
    rehearsal = rotation.rehearsal
    # Refused at a user that is being changed, the update and its rollback would both fail.
    rotation.wait_active()
    rehearsal.ask("promise", old_passwords=json.dumps(old_passwords))
    user, before = only(rehearsal, USER), described_user(rehearsal)["AccessString"]
    fail = partial(failing, user=user.logical_id)
    stacks.update(rehearsal, user.stack, fail, "UPDATE_ROLLBACK_COMPLETE")
    after = described_user(rehearsal)["AccessString"]
    expect_that(after == before, "the rollback left the user other rights")


def failing(resources: stacks.Resources, user: str) -> None:
    """Give the user another right, and then want a name that is taken."""
    resources[user]["Properties"]["AccessString"] += " +keys"
    log_group = next(one for one in resources.values() if one["Type"] == "AWS::Logs::LogGroup")
    taken = {"LogGroupName": log_group["Properties"]["LogGroupName"]}
    resources["Fails"] = {"Type": log_group["Type"], "DependsOn": user, "Properties": taken}
