"""Firing a schedule of EventBridge Scheduler by hand, as the service would when its time comes."""

import uuid
from datetime import UTC, datetime
from typing import Any

from rehearsal.common.errors import RehearsalError
from rehearsal.common.rehearsal import Clients


def fire(aws: Clients, name: str, group: str = "default") -> Any:
    """Invoke the schedule's target with its input and return what the target's API answers.

    A function is invoked asynchronously, a state machine is started; RehearsalError for a schedule
    that is switched off and for a target that this project does not use.
    """
    schedule = aws("scheduler").get_schedule(Name=name, GroupName=group)
    if schedule["State"] != "ENABLED":
        raise RehearsalError(f"schedule {name} is {schedule['State']}: it would not fire")
    target = schedule["Target"]
    arn, text = target["Arn"], _with_context(target.get("Input", "{}"), schedule["Arn"])
    service = arn.split(":")[2]
    if service == "lambda":
        return aws("lambda").invoke(FunctionName=arn, InvocationType="Event", Payload=text)
    if service == "states":
        return aws("stepfunctions").start_execution(stateMachineArn=arn, input=text)
    raise RehearsalError(f"schedule {name} has the target {arn}, which the rehearsal cannot invoke")


def _with_context(text: str, schedule: str) -> str:
    """Scheduler's context attributes (user guide, "Adding context attributes")."""
    for name, value in {
        "schedule-arn": schedule,
        "scheduled-time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "execution-id": str(uuid.uuid4()),
        "attempt-number": "1",
    }.items():
        text = text.replace(f"<aws.scheduler.{name}>", value)
    return text
