"""One full rotation, from RotateSecret to the end of the old token."""

from __future__ import annotations

import time

from rehearsal.aws.waiting import wait_until
from rehearsal.checks.endpoints import endpoints
from rehearsal.checks.expecting import expect
from rehearsal.errors import RehearsalError
from rehearsal.rehearsal import Rehearsal
from rehearsal.resp import Redis, RefusedError
from rehearsal.rotation_proof.function import Function
from rehearsal.rotation_proof.guard import deployment_may_go, deployment_waits
from rehearsal.rotation_proof.secret import CURRENT, ROTATING, Secret

_PATIENCE = 60  # seconds for each half
_SERVICE_ALONE = 5  # seconds that Secrets Manager has before our own schedule fires


class Turn:
    """Rotates and retires; what the group accepts is asked of the nodes, not of the function."""

    def __init__(self, rehearsal: Rehearsal, secret: Secret, function: Function) -> None:
        self._rehearsal = rehearsal
        self._secret = secret
        self._function = function
        self._asked = False

    def __call__(self) -> float:
        """One rotation; returns the seconds from RotateSecret to the move of AWSCURRENT."""
        old = self._secret.current()
        seconds = self.bring_in()
        new = self._secret.current()
        if new == old:
            raise RehearsalError("AWSCURRENT moved to a version with the same token")
        self._secret.ever()
        self.expect_accepted(old, True, "the token before AWSCURRENT's, which clients cache")
        self.expect_accepted(new, True, "AWSCURRENT's token")
        if not self._asked:
            deployment_waits(self._rehearsal)
        self.retire()
        if not self._asked:
            deployment_may_go(self._rehearsal)
            self._asked = True
        self.expect_accepted(old, False, "the old token after its retirement")
        self.expect_accepted(new, True, "AWSCURRENT's token after the retirement of the old one")
        return seconds

    def expect_accepted(self, token: str, wanted: bool, what: str) -> None:
        """RehearsalError unless all addresses take the token, or all refuse it."""
        for name, (host, port) in endpoints(self._rehearsal).items():
            with Redis(host, port, self._rehearsal.authority) as redis:
                expect(f"{name}: accepts {what}", _accepts(redis, token), wanted)

    def bring_in(self) -> float:
        """RotateSecret, until AWSCURRENT has moved; returns the seconds that it took."""
        began = time.monotonic()
        version = self._secret.rotate()

        def moved() -> float | None:
            if self._secret.where(CURRENT) == version:
                return time.monotonic() - began
            if time.monotonic() > began + _SERVICE_ALONE:
                self._function.reconcile()
            return None

        return wait_until(moved, seconds=_PATIENCE, what="AWSCURRENT moves")

    def retire(self) -> None:
        """Fire the schedule until the function says that the old token is retired."""
        wait_until(self._retired, seconds=_PATIENCE, what="the old token is retired")

    def _retired(self) -> bool | None:
        said = self._function.reconcile()
        if said.startswith("stopped"):
            raise RehearsalError(f"the rotation function {said}")
        return self._secret.where(ROTATING) is None or None


def _accepts(redis: Redis, token: str) -> bool:
    try:
        redis("AUTH", token)
    except RefusedError as refusal:
        if str(refusal).startswith("WRONGPASS"):
            return False
        raise
    return True
