"""The pass on a schedule: what the alarms look at is published, and what was left is removed.

A cancelled or timed-out execution runs no step of its own and publishes nothing, so the watch reads
the executions from outside. It stores nothing: Step Functions keeps executions for 90 days.
"""

import json
from datetime import datetime, timedelta
from typing import Any

from recovery.report import HOUR, metrics
from recovery.restore import COMPLETE, age, find, leftovers, newest, sweep
from recovery.settings import NoSnapshotError, Settings
from shared.aws_calls import ask, every
from shared.emf import emitted
from shared.errors import StoppedError

_DAY = timedelta(days=1)
_UNFINISHED = ("RUNNING", "PENDING_REDRIVE")


def watch(elasticache: Any, states: Any, settings: Settings, now: datetime) -> None:
    """Print the line of metrics, and delete what is left over.

    Raises StoppedError, after both, if something could not be deleted; and what ``ask`` raises.
    """
    found = leftovers(elasticache, settings, now)
    figures = {
        "SnapshotAgeHours": round(_snapshot_age(elasticache, settings, now) / HOUR, 3),
        "RecoveryLeftovers": float(len(found)),
        **_of_executions(states, settings, now),
    }
    names = ", ".join(group["ReplicationGroupId"] for group in found) or "nothing"
    print(emitted(settings.group_id, now, figures, {"left over": names}))
    problems = sweep(elasticache, found)
    if problems:
        raise StoppedError("; ".join(problems))


def _snapshot_age(elasticache: Any, settings: Settings, now: datetime) -> timedelta:
    """Of the newest snapshot; of the group itself as long as there is none."""
    try:
        created = newest(elasticache, settings, COMPLETE)["created"]
        return now - datetime.fromisoformat(created)
    except NoSnapshotError:
        group = find(elasticache, settings.group_id)
    if group is None:
        raise StoppedError(f"there is no replication group {settings.group_id}")
    return age(group, now)


def _of_executions(states: Any, settings: Settings, now: datetime) -> dict[str, float]:
    machine = settings.state_machine_arn
    executions = every(states.list_executions, "executions", stateMachineArn=machine)
    ended = [each for each in executions if each["status"] not in _UNFINISHED]
    last = next(iter(ended), None)  # they are listed newest first
    passed = next((each for each in ended if each["status"] == "SUCCEEDED"), None)
    if passed is None:
        since = ask(states.describe_state_machine, stateMachineArn=machine)["creationDate"]
        failed = {"RecoveryFailed": float(last is not None)}
        return failed | {"RecoveryAgeDays": round((now - since) / _DAY, 3)}
    arn = passed["executionArn"]
    output = ask(states.describe_execution, executionArn=arn).get("output")
    # Without its figures nothing shows that the objectives were met.
    figures = {"RecoveryFailed": float(last is not passed or not output)}
    if output:
        report = json.loads(output)["report"]
        point, time = (timedelta(seconds=report[f"{of}_seconds"]) for of in ("point", "time"))
        figures |= metrics(point, time)
    ended_at = passed.get("stopDate", passed["startDate"])
    return figures | {"RecoveryAgeDays": round((now - ended_at) / _DAY, 3)}
