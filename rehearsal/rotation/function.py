"""The deployed rotation function: its times compressed, its schedule fired, its passes read."""

import time
from dataclasses import dataclass

from emulator.aws.waiting import wait_until
from emulator.errors import RehearsalError
from rehearsal.common import schedules
from rehearsal.common.deployed import give, resources, said_by, variables_of
from rehearsal.common.rehearsal import Rehearsal

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
        schedules.fire(self._rehearsal.aws, self._schedule)
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
