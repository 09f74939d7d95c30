"""The deployed rotation function, the secret that it rotates, and one full rotation."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from redis.exceptions import AuthenticationError

from emulator.nodes.waiting import wait_until
from rehearsal.common import functions
from rehearsal.common.deployed import Deployed, Endpoint, described_user
from rehearsal.common.errors import RehearsalError, expect
from rehearsal.common.rehearsal import Rehearsal, give, only, resources, said_by, variables_of

CURRENT = "AWSCURRENT"
_SINCE = "redis-token:current-since"  # the function's tag: "<versions> <when AWSCURRENT moved>"
_LONG_ENOUGH = 3600  # seconds


class Secret:
    """The one secret of the deployed stacks. Its tokens are never part of a message."""

    def __init__(self, rehearsal: Rehearsal) -> None:
        self._manager = rehearsal.aws("secretsmanager")
        self.arn = only(rehearsal, "AWS::SecretsManager::Secret", "-data").physical_id
        self._ever: set[str] = set()

    def rotate(self) -> str:
        """RotateSecret; returns the id of the version that is to become AWSCURRENT."""
        return str(self._manager.rotate_secret(SecretId=self.arn)["VersionId"])

    def where(self, label: str) -> str | None:
        """The version that has this label."""
        versions = self._described()["VersionIdsToStages"]
        return next((version for version, labels in versions.items() if label in labels), None)

    def current(self) -> str:
        """AWSCURRENT's token, read as an application reads it."""
        return str(self._manager.get_secret_value(SecretId=self.arn)["SecretString"])

    def age(self) -> int:
        """Seconds since AWSCURRENT moved to its version, as the function has written it down."""
        tags = {tag["Key"]: tag["Value"] for tag in self._described().get("Tags", [])}
        if _SINCE not in tags:
            return _LONG_ENOUGH
        moved = datetime.fromisoformat(tags[_SINCE].rpartition(" ")[2])
        return int((datetime.now(UTC) - moved).total_seconds())

    def stranger(self) -> str:
        """A token that is in no version of it."""
        found = secrets.token_hex(32)
        self._ever.add(found)
        return found

    def ever(self) -> frozenset[str]:
        """Every token of which a version was seen here, those of now among them, and strangers."""
        missing = self._manager.exceptions.ResourceNotFoundException
        for version in self._described()["VersionIdsToStages"]:
            try:
                found = self._manager.get_secret_value(SecretId=self.arn, VersionId=version)
            except missing:
                continue  # a version without a value, or one that is gone in the meantime
            self._ever.add(found["SecretString"])
        return frozenset(self._ever)

    def _described(self) -> dict[str, Any]:
        found: dict[str, Any] = self._manager.describe_secret(SecretId=self.arn)
        return found


_PASS = 30  # seconds, of which an asynchronous invocation may wait for a step that runs


@dataclass(frozen=True)
class Times:
    """In whole seconds: how long clients cache the secret, and then how long the old token lives.

    The second counts from the move of AWSCURRENT, as the settings of the environment say it.
    """

    client_cache: int
    retire_after: int


class Function:
    """The function that rotates `secret`, an ARN, and the schedule that invokes it."""

    def __init__(self, rehearsal: Rehearsal, secret: str) -> None:
        self._rehearsal = rehearsal
        described = rehearsal.aws("secretsmanager").describe_secret(SecretId=secret)
        self.arn = str(described["RotationLambdaARN"])
        self.name = self.arn.rpartition(":")[2]
        self._schedule = self._find_schedule()
        self._variables = variables_of(rehearsal, self.name)

    @property
    def times(self) -> Times:
        """What it was deployed with."""
        return Times(
            client_cache=int(self._variables["CLIENT_CACHE_SECONDS"]),
            retire_after=int(self._variables["RETIRE_AFTER_SECONDS"]),
        )

    def compress(self, times: Times) -> None:
        """Give it other times, in the environment of its next invocation."""
        changed = {
            "CLIENT_CACHE_SECONDS": str(times.client_cache),
            "RETIRE_AFTER_SECONDS": str(times.retire_after),
        }
        give(self._rehearsal, self.name, self._variables | changed)

    def restore(self) -> None:
        """Give it back what it was deployed with."""
        give(self._rehearsal, self.name, self._variables)

    def reconcile(self) -> str:
        """Fire its schedule, wait for the pass, and return what the pass says of itself."""
        since = int(time.time() * 1000)
        functions.fire(self._rehearsal.aws, self._schedule)
        return wait_until(
            lambda: self._said(since), seconds=_PASS, what=f"a pass of {self.name} on its schedule"
        )

    def _said(self, since: int) -> str | None:
        found = said_by(self._rehearsal, self.name, since)
        return str(found["rotation"]) if found else None

    def _find_schedule(self) -> str:
        scheduler = self._rehearsal.aws("scheduler")
        for found in resources(self._rehearsal, "AWS::Scheduler::Schedule"):
            if scheduler.get_schedule(Name=found.physical_id)["Target"]["Arn"] == self.arn:
                return found.physical_id
        raise RehearsalError(f"no schedule invokes {self.name}: nothing would finish a rotation")


_PATIENCE = 60  # seconds for each half
_SERVICE_ALONE = 5  # seconds that Secrets Manager has before our own schedule fires
# What a pass says that finds every node as it should be: while two tokens live, and at rest.
_TWO_LIVE, _REST = "clients may use the old token", "nothing to do"


class Rotator:
    """Rotates and retires; what the nodes accept is asked of each, not of the function."""

    def __init__(
        self, rehearsal: Rehearsal, secret: Secret, function: Function, times: Times
    ) -> None:
        self._rehearsal = rehearsal
        self._secret = secret
        self._function = function
        self._times = times
        self._deployed = Deployed.of(rehearsal)

    def __call__(self, between: Callable[[], object] | None = None) -> float:
        """One rotation; returns the seconds from RotateSecret to the move of AWSCURRENT.

        `between` is done while two tokens live.
        """
        old = self._secret.current()
        # However slow this machine is, the old token lives until all of this has been seen; but
        # the token of the rotation before stays retired, or this one is refused.
        self._retire_after(max(self._times.retire_after, self._secret.age()))
        seconds = self.bring_in()
        self._retire_after(_LONG_ENOUGH)
        new = self._secret.current()
        if new == old:
            raise RehearsalError("AWSCURRENT moved to a version with the same token")
        self._secret.ever()
        self._expect_both(old, new)
        self._until(_TWO_LIVE, _REST)
        if between is not None:
            between()
            self._expect_both(old, new)
        self._retire_after(self._times.retire_after)
        self.settle()
        self.expect_accepted(old, False, "the old token after its retirement")
        self.expect_accepted(new, True, "AWSCURRENT's token after the retirement of the old one")
        return seconds

    def _retire_after(self, seconds: int) -> None:
        self._function.compress(replace(self._times, retire_after=seconds))

    def _expect_both(self, old: str, new: str) -> None:
        self.expect_accepted(old, True, "the token before AWSCURRENT's, which clients cache")
        self.expect_accepted(new, True, "AWSCURRENT's token")

    def expect_accepted(self, token: str, wanted: bool, what: str) -> None:
        """RehearsalError unless all nodes take the token, or all refuse it."""
        for name, taken in self.taken(token).items():
            expect(f"{name}: accepts {what}", taken, wanted)

    def taken(self, token: str) -> dict[str, bool]:
        """Whether each node takes the token."""
        return {name: self._takes(at, token) for name, at in self._deployed.nodes.items()}

    def bring_in(self) -> float:
        """RotateSecret, until AWSCURRENT has moved; returns the seconds that it took."""
        began = time.monotonic()
        version = self._secret.rotate()

        def moved() -> float | None:
            if self._secret.where(CURRENT) == version:
                return time.monotonic() - began
            if time.monotonic() > began + _SERVICE_ALONE:
                # Here it may meet a step; in AWS the function's concurrency of one prevents that.
                self._function.reconcile()
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
        with self._deployed.connect(at, password=token) as redis:
            try:
                return bool(redis.ping())
            except AuthenticationError:
                return False
