"""The pass on a schedule: what the alarms look at is published, and what was left is removed.

A cancelled or timed-out execution runs no step of its own and publishes nothing: only somebody who
looks from outside can tell. Nothing is stored for that: Step Functions keeps executions 90 days.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from recovery.report import HOUR, Measured
from recovery.restore import age, find, leftovers, sweep
from recovery.settings import Settings
from recovery.snapshots import find_newest
from shared.aws_calls import ask
from shared.emf import emitted
from shared.errors import StoppedError

_DAY = timedelta(days=1)
_UNFINISHED = ("RUNNING", "PENDING_REDRIVE")


@dataclass(frozen=True)
class History:
    """The executions so far: the newest that ended, and the newest that passed."""

    last: Mapping[str, Any] | None
    passed: Mapping[str, Any] | None


def watch(elasticache: Any, states: Any, settings: Settings, now: datetime) -> None:
    """Print the line of metrics, and delete what is left over.

    Raises StoppedError, after both, if something could not be deleted; and what ``ask`` raises.
    """
    found = leftovers(elasticache, settings, now)
    metrics = {
        "SnapshotAgeHours": round(_snapshot_age(elasticache, settings, now) / HOUR, 3),
        "RecoveryLeftovers": float(len(found)),
        **_of_executions(states, settings, now),
    }
    names = ", ".join(group["ReplicationGroupId"] for group in found) or "nothing"
    print(emitted(settings.group_id, now, metrics, {"left over": names}))
    problems = sweep(elasticache, found)
    if problems:
        raise StoppedError("; ".join(problems))


def _snapshot_age(elasticache: Any, settings: Settings, now: datetime) -> timedelta:
    """Of the newest snapshot; of the group itself as long as there is none."""
    newest = find_newest(elasticache, settings)
    if newest:
        return now - newest.created
    group = find(elasticache, settings.group_id)
    if group is None:
        raise StoppedError(f"there is no replication group {settings.group_id}")
    return age(group, now)


def _of_executions(states: Any, settings: Settings, now: datetime) -> dict[str, float]:
    history = _history(states, settings.state_machine_arn)
    metrics = {
        "RecoveryFailed": float(history.last is not None and history.last is not history.passed)
    }
    if history.passed is None:
        machine = ask(
            states.describe_state_machine,
            "describe the recovery test",
            stateMachineArn=settings.state_machine_arn,
        )
        return metrics | {"RecoveryAgeDays": round((now - machine["creationDate"]) / _DAY, 3)}
    execution = ask(
        states.describe_execution,
        "describe the last recovery test",
        executionArn=history.passed["executionArn"],
    )
    measured = Measured.read(json.loads(execution["output"])["report"])
    age = now - history.passed["stopDate"]
    return metrics | {"RecoveryAgeDays": round(age / _DAY, 3)} | measured.metrics()


def _history(states: Any, machine: str) -> History:
    """Executions are listed newest first."""
    last: Mapping[str, Any] | None = None
    pages = states.get_paginator("list_executions").paginate(stateMachineArn=machine)
    executions = ask(
        lambda: [each for page in pages for each in page["executions"]], "list recovery tests"
    )
    for execution in executions:
        if execution["status"] in _UNFINISHED:
            continue
        last = last or execution
        if execution["status"] == "SUCCEEDED":
            return History(last, execution)
    return History(last, None)
