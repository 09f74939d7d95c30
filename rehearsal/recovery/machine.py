"""The deployed recovery test: started, followed, cancelled; its functions' times, its schedules."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from emulator.aws.waiting import wait_until
from rehearsal.common import schedules
from rehearsal.common.deployed import only
from rehearsal.common.rehearsal import Rehearsal

_LONGEST = 600  # seconds of one execution here
_PASS = 120  # seconds of one invocation


@dataclass(frozen=True)
class Execution:
    """One that has ended; ``history`` is everything that its states were given and gave."""

    status: str
    document: dict[str, Any]
    history: str
    name: str


class Machine:
    """The state machine with the schedules and the function whose names begin with its own."""

    def __init__(self, rehearsal: Rehearsal) -> None:
        self._rehearsal = rehearsal
        self._states = rehearsal.aws("stepfunctions")
        self._lambda = rehearsal.aws("lambda")
        self.arn = only(rehearsal, "AWS::StepFunctions::StateMachine").physical_id
        self.name = self.arn.rpartition(":")[2]

    def start(self) -> str:
        """Fire its monthly schedule; the execution's ARN."""
        answer = schedules.fire(self._rehearsal.aws, f"{self.name}-monthly")
        return str(answer["executionArn"])

    def run(self) -> Execution:
        """Start it and wait for its end."""
        return self.end(self.start())

    def end(self, execution: str) -> Execution:
        """Wait until it has ended. TimeoutError if it does not."""
        found = wait_until(
            lambda: self._ended(execution), seconds=_LONGEST, what=f"the end of {execution}"
        )
        events = self._states.get_execution_history(executionArn=execution, maxResults=1000)
        document = json.loads(self._last_output(events["events"]))
        return Execution(found["status"], document, json.dumps(events, default=str), found["name"])

    def cancel(self, execution: str) -> None:
        """As a person does it in the console: nothing of the machine runs after it."""
        self._states.stop_execution(executionArn=execution)

    def keep(self) -> dict[str, Any]:
        """Have the sentinels kept, and return what the pass published."""
        return self._pass("keep", f"{self.name}-keeper")

    def watch(self) -> dict[str, Any]:
        """Have the watch make a pass, and return what it published."""
        return self._pass("watch", self.name)

    def warm(self) -> None:
        """Have the verifier called as it is every day."""
        schedules.fire(self._rehearsal.aws, f"{self.name}-warm")

    @contextmanager
    def with_seconds(self, **variables: int) -> Iterator[None]:
        """The operator's variables of these names have other values, as long as this lasts."""
        before = self._configuration()["Environment"]["Variables"]
        changed = {f"{name.upper()}_SECONDS": str(value) for name, value in variables.items()}
        self._set(before | changed)
        try:
            yield
        finally:
            self._set(before)

    def _ended(self, execution: str) -> dict[str, Any] | None:
        found: dict[str, Any] = self._states.describe_execution(executionArn=execution)
        return None if found["status"] == "RUNNING" else found

    @staticmethod
    def _last_output(events: list[dict[str, Any]]) -> str:
        outputs = [
            event["stateExitedEventDetails"]["output"]
            for event in events
            if "stateExitedEventDetails" in event
        ]
        return str(outputs[-1])

    def _pass(self, schedule: str, function: str) -> dict[str, Any]:
        since = int(time.time() * 1000)
        schedules.fire(self._rehearsal.aws, f"{self.name}-{schedule}")
        return wait_until(
            lambda: self._published(function, since), seconds=_PASS, what=f"a pass of {function}"
        )

    def _published(self, function: str, since: int) -> dict[str, Any] | None:
        events = self._rehearsal.aws("logs").filter_log_events(
            logGroupName=f"/aws/lambda/{function}", startTime=since
        )["events"]
        lines = [event["message"] for event in events if event["message"].startswith("{")]
        return json.loads(lines[0]) if lines else None

    def _configuration(self) -> dict[str, Any]:
        found: dict[str, Any] = self._lambda.get_function_configuration(FunctionName=self.name)
        return found

    def _set(self, variables: dict[str, str]) -> None:
        self._lambda.update_function_configuration(
            FunctionName=self.name, Environment={"Variables": variables}
        )
        wait_until(
            lambda: self._configuration()["LastUpdateStatus"] == "Successful" or None,
            seconds=_PASS,
            what=f"{self.name} is updated",
        )
