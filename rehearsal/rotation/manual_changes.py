"""What others do to the user while clients are in constant use."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from emulator.nodes.waiting import wait_until
from rehearsal.common import stacks
from rehearsal.common.deployed import USER, described_user
from rehearsal.common.errors import expect_that
from rehearsal.common.rehearsal import Rehearsal, only
from rehearsal.rotation.function import Rotator, Secret
from rehearsal.rotation.load import Clients

_SETTLED = 120  # seconds that a stack update may take
_CHANGE = "2"  # seconds of AWS's for a change


class ManualChanges:
    """Each change is healed by the passes alone, and the clients go on meanwhile."""

    def __init__(
        self, rehearsal: Rehearsal, secret: Secret, turn: Rotator, clients: Clients
    ) -> None:
        self._rehearsal = rehearsal
        self._secret = secret
        self._turn = turn
        self._clients = clients

    def added(self) -> str:
        """Somebody adds a password: clients log in as before, and the stranger is shut out."""
        stranger = self._secret.stranger()
        self._set(self._secret.current(), stranger)
        self._turn.expect_accepted(stranger, True, "a password that was added by hand")
        passes = self._turn.settle()
        self._turn.expect_accepted(stranger, False, "the password that was added by hand")
        return f"an added password is refused after {passes} passes"

    def replaced(self) -> str:
        """Somebody replaces AWSCURRENT's token: who is connected stays, who logs in is refused."""
        stranger = self._secret.stranger()
        self._rehearsal.ask("promise", seconds=_CHANGE)
        with self._exposed() as seconds:
            self._set(stranger)
        self._rehearsal.ask("promise")
        self._turn.expect_accepted(stranger, False, "a password that was set by hand")
        return f"AWSCURRENT's token, replaced by hand, is back {seconds()}"

    def failed_update(self) -> str:
        """A stack update changes the user, fails, and goes back, with either list of passwords."""
        self._fail(old_passwords=False)
        passes = self._turn.settle()
        with self._exposed() as seconds:
            self._fail(old_passwords=True)
        self._rehearsal.ask("promise")
        return (
            f"a failed stack update that sends AWSCURRENT's token: at rest after {passes} passes; "
            f"one that sends the first token of all: AWSCURRENT's is back {seconds()}"
        )

    @contextmanager
    def _exposed(self) -> Iterator[Callable[[], str]]:
        """Around a change that takes AWSCURRENT's token away: one pass later it is back.

        No client can log in meanwhile, so theirs keep their connections, as pools do.
        """
        current, began = self._secret.current(), time.monotonic()
        self._clients.hold()
        yield lambda: f"after {ended - began:.1f} s: AWS's change, one pass and ours"
        self._turn.wait_active()
        self._turn.expect_accepted(current, False, "AWSCURRENT's token, which was taken away")
        self._turn.reconcile()
        wait_until(
            lambda: all(self._turn.taken(current).values()) or None,
            seconds=_SETTLED,
            what="AWSCURRENT's token works again after one pass",
        )
        ended = time.monotonic()
        self._clients.let_go()
        self._turn.settle()

    def _set(self, *passwords: str) -> None:
        self._turn.wait_active()
        user = described_user(self._rehearsal)["UserId"]
        self._rehearsal.aws("elasticache").modify_user(UserId=user, Passwords=list(passwords))
        self._turn.wait_active()

    def _fail(self, *, old_passwords: bool) -> None:
        # Refused at a user that is being changed, the update and its rollback would both fail.
        self._turn.wait_active()
        self._rehearsal.ask("promise", old_passwords=json.dumps(old_passwords))
        user = only(self._rehearsal, USER)
        before = described_user(self._rehearsal)["AccessString"]
        fail = partial(failing, user=user.logical_id)
        stacks.update(self._rehearsal, user.stack, fail, "UPDATE_ROLLBACK_COMPLETE")
        after = described_user(self._rehearsal)["AccessString"]
        expect_that(after == before, "the rollback left the user other rights")


def failing(resources: stacks.Resources, user: str) -> None:
    """Give the user another right, and then want a name that is taken."""
    resources[user]["Properties"]["AccessString"] += " +keys"
    log_group = next(one for one in resources.values() if one["Type"] == "AWS::Logs::LogGroup")
    taken = {"LogGroupName": log_group["Properties"]["LogGroupName"]}
    resources["Fails"] = {"Type": log_group["Type"], "DependsOn": user, "Properties": taken}
