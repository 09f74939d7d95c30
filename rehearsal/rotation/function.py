"""The deployed rotation function: its times compressed, its schedule fired, its passes read."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

from emulator.aws.waiting import wait_until
from emulator.errors import RehearsalError
from rehearsal.common import schedules
from rehearsal.common.deployed import resources
from rehearsal.common.rehearsal import Rehearsal

_UPDATED = 30  # seconds
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
        self._variables = self._configuration()["Environment"]["Variables"]

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
        self._set(self._variables | changed)

    def restore(self) -> None:
        """Give it back what it was deployed with."""
        self._set(self._variables)

    def reconcile(self) -> str:
        """Fire its schedule, wait for the pass, and return what the pass says of itself."""
        since = int(time.time() * 1000)
        schedules.fire(self._rehearsal.aws, self._schedule)
        return wait_until(
            lambda: self._said(since), seconds=_PASS, what=f"a pass of {self.name} on its schedule"
        )

    def _said(self, since: int) -> str | None:
        events = self._rehearsal.aws("logs").filter_log_events(
            logGroupName=f"/aws/lambda/{self.name}", startTime=since
        )["events"]
        lines = [event["message"] for event in events if event["message"].startswith("{")]
        return str(json.loads(lines[0])["rotation"]) if lines else None

    def _find_schedule(self) -> str:
        scheduler = self._rehearsal.aws("scheduler")
        for found in resources(self._rehearsal, "AWS::Scheduler::Schedule"):
            if scheduler.get_schedule(Name=found.physical_id)["Target"]["Arn"] == self.arn:
                return found.physical_id
        raise RehearsalError(f"no schedule invokes {self.name}: nothing would finish a rotation")

    def _set(self, variables: dict[str, str]) -> None:
        self._rehearsal.aws("lambda").update_function_configuration(
            FunctionName=self.name, Environment={"Variables": variables}
        )
        wait_until(self._is_updated, seconds=_UPDATED, what=f"{self.name} is updated")

    def _is_updated(self) -> bool | None:
        return self._configuration()["LastUpdateStatus"] == "Successful" or None

    def _configuration(self) -> dict[str, Any]:
        found: dict[str, Any] = self._rehearsal.aws("lambda").get_function_configuration(
            FunctionName=self.name
        )
        return found
