"""One full rotation, from RotateSecret to the end of the old token."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from emulator.aws.waiting import wait_until
from emulator.errors import RehearsalError
from emulator.resp import Redis, RefusedError
from rehearsal.common.checks.endpoints import Endpoint
from rehearsal.common.checks.expecting import expect
from rehearsal.common.checks.replication_group import described, described_user
from rehearsal.common.rehearsal import Rehearsal
from rehearsal.rotation.function import Function, Times
from rehearsal.rotation.secret import CURRENT, Secret

_PATIENCE = 60  # seconds for each half
_SERVICE_ALONE = 5  # seconds that Secrets Manager has before our own schedule fires
_LONG_ENOUGH = 3600  # seconds
# What a pass says that finds every node as it should be: while two tokens live, and at rest.
_TWO_LIVE, _REST = "clients may use the old token", "nothing to do"


class Turn:
    """Rotates and retires; what the nodes accept is asked of each, not of the function."""

    def __init__(
        self, rehearsal: Rehearsal, secret: Secret, function: Function, times: Times
    ) -> None:
        self._rehearsal = rehearsal
        self._secret = secret
        self._function = function
        self._times = times

    def __call__(self, between: Callable[[], object] | None = None) -> float:
        """One rotation; returns the seconds from RotateSecret to the move of AWSCURRENT.

        `between` is done while two tokens live.
        """
        old = self._secret.current()
        seconds = self.bring_in()
        new = self._secret.current()
        if new == old:
            raise RehearsalError("AWSCURRENT moved to a version with the same token")
        self._secret.ever()
        self._expect_both(old, new)
        # However slow this machine is, the old token lives until all of this has been seen.
        self._function.compress(replace(self._times, retire_after=_LONG_ENOUGH))
        self._until(_TWO_LIVE, _REST)
        if between is not None:
            between()
            self._expect_both(old, new)
        self._function.compress(self._times)
        self.settle()
        self.expect_accepted(old, False, "the old token after its retirement")
        self.expect_accepted(new, True, "AWSCURRENT's token after the retirement of the old one")
        return seconds

    def _expect_both(self, old: str, new: str) -> None:
        self.expect_accepted(old, True, "the token before AWSCURRENT's, which clients cache")
        self.expect_accepted(new, True, "AWSCURRENT's token")

    def expect_accepted(self, token: str, wanted: bool, what: str) -> None:
        """RehearsalError unless all nodes take the token, or all refuse it."""
        for name, taken in self.taken(token).items():
            expect(f"{name}: accepts {what}", taken, wanted)

    def taken(self, token: str) -> dict[str, bool]:
        """Whether each node takes the token."""
        return {name: self._takes(at, token) for name, at in _nodes(self._rehearsal).items()}

    def bring_in(self) -> float:
        """RotateSecret, until AWSCURRENT has moved; returns the seconds that it took."""
        began = time.monotonic()
        version = self._secret.rotate()

        def moved() -> float | None:
            if self._secret.where(CURRENT) == version:
                return time.monotonic() - began
            if time.monotonic() > began + _SERVICE_ALONE:
                self.reconcile()
            return None

        return wait_until(moved, seconds=_PATIENCE, what="AWSCURRENT moves")

    def settle(self) -> int:
        """Fire the schedule until a pass finds nothing to do; returns how many it took."""
        return self._until(_REST)

    def _until(self, *words: str) -> int:
        said: list[str] = []

        def look() -> int | None:
            said.append(self.reconcile())
            return len(said) if said[-1].startswith(words) else None

        try:
            return wait_until(look, seconds=_PATIENCE, what=f"a pass says {words[0]!r}")
        except TimeoutError as late:
            raise RehearsalError(f"{late}; the last one says: {said[-1]}") from late

    def reconcile(self) -> str:
        """One pass. RehearsalError if it could not do its work."""
        said = self._function.reconcile()
        if said.startswith("stopped"):
            raise RehearsalError(f"the rotation function {said}")
        return said

    def wait_active(self) -> None:
        """Wait until the user can be changed again."""
        wait_until(
            lambda: described_user(self._rehearsal)["Status"] == "active" or None,
            seconds=_PATIENCE,
            what="the user is active",
        )

    def _takes(self, at: Endpoint, token: str) -> bool:
        with Redis(*at, self._rehearsal.authority) as redis:
            try:
                redis("AUTH", token)
            except RefusedError as refusal:
                if str(refusal).startswith("WRONGPASS"):
                    return False
                raise
        return True


def _nodes(rehearsal: Rehearsal) -> dict[str, Endpoint]:
    group = described(rehearsal)["ReplicationGroupId"]
    pages = rehearsal.aws("elasticache").get_paginator("describe_cache_clusters")
    return {
        member["CacheClusterId"]: (
            member["CacheNodes"][0]["Endpoint"]["Address"],
            int(member["CacheNodes"][0]["Endpoint"]["Port"]),
        )
        for page in pages.paginate(ShowCacheNodeInfo=True)
        for member in page["CacheClusters"]
        if member["ReplicationGroupId"] == group
    }
