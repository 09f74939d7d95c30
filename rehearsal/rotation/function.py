"""The deployed rotation: its secret, its function, and one full rotation."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from redis.exceptions import AuthenticationError

from rehearsal.common import functions
from rehearsal.common.deployed import Deployed, described_user
from rehearsal.common.errors import RehearsalError, eventually, expect
from rehearsal.common.rehearsal import Rehearsal, give, only, resources, said_by, variables_of

_SINCE = "redis-token:current-since"  # the function's tag: "<versions> <when AWSCURRENT moved>"
_LONG_ENOUGH = 3600  # seconds
_PASS = 30  # seconds, of which an asynchronous invocation may wait for a step that runs
_PATIENCE = 60  # seconds for each half
_SERVICE_ALONE = 5  # seconds that Secrets Manager has before our own schedule fires
# What a pass says that finds every node as it should be: while two tokens live, and at rest.
_TWO_LIVE, _REST = "clients may use the old token", "nothing to do"


@dataclass(frozen=True)
class Times:
    """In whole seconds: how long clients cache the secret, and then how long the old token lives.

    The second counts from the move of AWSCURRENT, as the settings of the environment say it.
    """

    client_cache: int
    retire_after: int


class Rotation:
    """Rotates and retires; what the nodes accept is asked of each, not of the function.

    `times` are given to the function in place of those that it was deployed with. No token of the
    secret is ever part of a message.
    """

    def __init__(self, rehearsal: Rehearsal, times: Times) -> None:
        self.rehearsal = rehearsal
        self._times = times
        self._manager = rehearsal.aws("secretsmanager")
        self.secret = only(rehearsal, "AWS::SecretsManager::Secret", "-data").physical_id
        self._arn = str(self._described()["RotationLambdaARN"])
        self.function = self._arn.rpartition(":")[2]
        self._schedule = self._find_schedule()
        self._variables = variables_of(rehearsal, self.function)
        self._deployed = Deployed.of(rehearsal)
        self._ever: set[str] = set()

    def compress(self) -> str:
        """Give the function the times, in the environment of its next invocation."""
        self._give(self._times)
        cache, retire = (self._variables[f"{n}_SECONDS"] for n in ("CLIENT_CACHE", "RETIRE_AFTER"))
        return (
            f"clients cache the secret {cache} s -> {self._times.client_cache} s, the old "
            f"token lives {int(retire) // 3600} h -> {self._times.retire_after} s"
        )

    def restore(self) -> None:
        """Give the function back what it was deployed with."""
        give(self.rehearsal, self.function, self._variables)

    def rotate(self, between: Callable[[], object] = lambda: None) -> float:
        """One rotation; returns the seconds from RotateSecret to the move of AWSCURRENT.

        `between` is done while two tokens live.
        """
        old = self.current()
        # However slow this machine is, the old token lives until all of this has been seen; but
        # the token of the rotation before stays retired, or this one is refused.
        self._retire_after(max(self._times.retire_after, self._age()))
        seconds = self._bring_in()
        self._retire_after(_LONG_ENOUGH)
        new = self.current()
        if new == old:
            raise RehearsalError("AWSCURRENT moved to a version with the same token")
        self.ever()
        self._expect_both(old, new)
        self._until(_TWO_LIVE, _REST)
        between()
        self._expect_both(old, new)
        self._retire_after(self._times.retire_after)
        self.settle()
        self.expect_accepted(old, False, "the old token after its retirement")
        self.expect_accepted(new, True, "AWSCURRENT's token after the retirement of the old one")
        return seconds

    def current(self) -> str:
        """AWSCURRENT's token, read as an application reads it."""
        return str(self._manager.get_secret_value(SecretId=self.secret)["SecretString"])

    def stranger(self) -> str:
        """A token that is in no version of the secret."""
        found = secrets.token_hex(32)
        self._ever.add(found)
        return found

    def ever(self) -> frozenset[str]:
        """Every token of which a version was seen here, those of now among them, and strangers."""
        missing = self._manager.exceptions.ResourceNotFoundException
        for version in self._described()["VersionIdsToStages"]:
            try:
                found = self._manager.get_secret_value(SecretId=self.secret, VersionId=version)
            except missing:
                continue  # a version without a value, or one that is gone in the meantime
            self._ever.add(found["SecretString"])
        return frozenset(self._ever)

    def expect_accepted(self, token: str, wanted: bool, what: str) -> None:
        """RehearsalError unless all nodes take the token, or all refuse it."""
        for name, taken in self.taken(token).items():
            expect(f"{name}: accepts {what}", taken, wanted)

    def taken(self, token: str) -> dict[str, bool]:
        """Whether each node takes the token."""
        found = {}
        for name, at in self._deployed.nodes.items():
            with self._deployed.connect(at, password=token) as redis:
                try:
                    found[name] = bool(redis.ping())
                except AuthenticationError:
                    found[name] = False
        return found

    def settle(self) -> int:
        """Fire the schedule until a pass finds nothing to do; returns how many it took."""
        return self._until(_REST)

    def reconcile(self) -> str:
        """Fire the schedule, and return what the pass says. RehearsalError if it was stopped."""
        said = self._pass()
        if said.startswith("stopped"):
            raise RehearsalError(f"the rotation function {said}")
        return said

    def wait_active(self) -> None:
        """Wait until the user can be changed again."""
        eventually(
            lambda: described_user(self.rehearsal)["Status"] == "active", "the user is active"
        )

    def _bring_in(self) -> float:
        """RotateSecret, until AWSCURRENT has moved; returns the seconds that it took."""
        began = time.monotonic()
        version = self._manager.rotate_secret(SecretId=self.secret)["VersionId"]

        def moved() -> float | None:
            if "AWSCURRENT" in self._described()["VersionIdsToStages"].get(version, ()):
                return time.monotonic() - began
            if time.monotonic() > began + _SERVICE_ALONE:
                # Here it may meet a step; in AWS the function's concurrency of one prevents that.
                self._pass()
            return None

        return eventually(moved, "AWSCURRENT moves", _PATIENCE)

    def _until(self, *words: str) -> int:
        said: list[str] = []

        def look() -> int | None:
            said.append(self.reconcile())
            return len(said) if said[-1].startswith(words) else None

        try:
            return eventually(look, f"a pass says {words[0]!r}", _PATIENCE)
        except TimeoutError as late:
            raise RehearsalError(f"{late}; the last one says: {said[-1]}") from late

    def _pass(self) -> str:
        since = int(time.time() * 1000)
        functions.fire(self.rehearsal.aws, self._schedule)
        said = eventually(
            lambda: said_by(self.rehearsal, self.function, since),
            f"a pass of {self.function} on its schedule",
            _PASS,
        )
        return str(said["rotation"])

    def _age(self) -> int:
        """Seconds since AWSCURRENT moved to its version, as the function has written it down."""
        tags = {tag["Key"]: tag["Value"] for tag in self._described().get("Tags", [])}
        if _SINCE not in tags:
            return _LONG_ENOUGH
        moved = datetime.fromisoformat(tags[_SINCE].rpartition(" ")[2])
        return int((datetime.now(UTC) - moved).total_seconds())

    def _retire_after(self, seconds: int) -> None:
        self._give(replace(self._times, retire_after=seconds))

    def _give(self, times: Times) -> None:
        changed = {
            "CLIENT_CACHE_SECONDS": str(times.client_cache),
            "RETIRE_AFTER_SECONDS": str(times.retire_after),
        }
        give(self.rehearsal, self.function, self._variables | changed)

    def _expect_both(self, old: str, new: str) -> None:
        self.expect_accepted(old, True, "the token before AWSCURRENT's, which clients cache")
        self.expect_accepted(new, True, "AWSCURRENT's token")

    def _described(self) -> dict[str, Any]:
        found: dict[str, Any] = self._manager.describe_secret(SecretId=self.secret)
        return found

    def _find_schedule(self) -> str:
        scheduler = self.rehearsal.aws("scheduler")
        for found in resources(self.rehearsal, "AWS::Scheduler::Schedule"):
            target = scheduler.get_schedule(Name=found.physical_id)["Target"]
            if target["Arn"] == self._arn:
                return found.physical_id
        raise RehearsalError(f"no schedule invokes {self.function}: no rotation would be finished")
