"""Taking throw-away groups down: a test's own at its end, and what an earlier one left."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from recovery.errors import StillThereError
from recovery.restore import age, find
from recovery.run import Run, is_throw_away
from recovery.settings import Settings
from shared.aws_calls import ask
from shared.errors import StoppedError

MOST_PASSES = 120  # half an hour at the state machine's pace of one in 15 s
_CAN_BE_DELETED = ("available", "create-failed")


def remove(elasticache: Any, run: Run, passes: int) -> dict[str, Any]:
    """Delete the group if it takes that now; whether it is gone, and the passes so far.

    A group that is being made or deleted takes no deletion, so this is called until it is gone.
    Raises StillThereError when it was called too often, and what ``ask`` raises.
    """
    group = find(elasticache, run.group_id)
    if group is None or not run.owns(group):
        return {"gone": True, "passes": passes}
    if passes >= MOST_PASSES:
        raise StillThereError(f"{run.group_id} is still {group['Status']}")
    _delete(elasticache, group)
    return {"gone": False, "passes": passes + 1}


def leftovers(elasticache: Any, settings: Settings, now: datetime) -> list[dict[str, Any]]:
    """Throw-away groups that are older than a test lasts. Raises what ``ask`` raises."""
    pages = elasticache.get_paginator("describe_replication_groups").paginate()
    groups = ask(
        lambda: [each for page in pages for each in page["ReplicationGroups"]],
        "list the replication groups",
    )
    return [
        group
        for group in groups
        if is_throw_away(group, settings.group_id) and age(group, now) > settings.sweep_after
    ]


def sweep(elasticache: Any, found: list[dict[str, Any]]) -> list[str]:
    """Delete each; one sentence for each that could not be deleted; nothing is raised."""
    problems = []
    for group in found:
        try:
            _delete(elasticache, group)
        except StoppedError as problem:
            problems.append(f"{group['ReplicationGroupId']}: {problem}")
    return problems


def _delete(elasticache: Any, group: Mapping[str, Any]) -> None:
    if group["Status"] in _CAN_BE_DELETED:
        ask(
            elasticache.delete_replication_group,
            "delete a throw-away group",
            ReplicationGroupId=group["ReplicationGroupId"],
            RetainPrimaryCluster=False,
        )
