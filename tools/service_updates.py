"""ElastiCache's service updates of one replication group: which wait, and applying one of them.

Sources: botocore's model of DescribeUpdateActions and BatchApplyUpdateAction; for the three types,
of which botocore knows one, https://aws.amazon.com/elasticache/elasticache-maintenance.
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from tools.command import Answer

SECURITY, ENGINE, MAJOR = "security-update", "engine-update", "engine-major-version-update"
COMPLETE = "complete"
# It waits for somebody to apply it; AWS may have put a date of its own on it.
WAITING = ("not-applied", "stopped", "scheduled", "scheduling")
UNDER_WAY = ("waiting-to-start", "in-progress")
SEVERITIES = ("critical", "important", "medium", "low")

LOOK_EVERY = 20.0  # seconds
# AWS's own estimate is 30 minutes a node ("EstimatedUpdateTime"); nodes take their turns.
LONGEST_PER_NODE = timedelta(minutes=60)


@dataclass(frozen=True)
class Update:
    """One update action: ``nodes`` is how many of them have it, as "1/3"."""

    name: str
    kind: str
    severity: str
    released: datetime
    status: str
    nodes: str

    @classmethod
    def read(cls, action: Mapping[str, Any]) -> Self:
        """From DescribeUpdateActions."""
        return cls(
            name=action["ServiceUpdateName"],
            kind=action.get("ServiceUpdateType", "unknown"),
            severity=action.get("ServiceUpdateSeverity", "unknown"),
            released=action.get("ServiceUpdateReleaseDate", datetime.max.replace(tzinfo=UTC)),
            status=action["UpdateActionStatus"],
            nodes=action.get("NodesUpdated", "?"),
        )

    @property
    def reason_to_leave(self) -> str:
        """Why it is not applied by this command."""
        if self.kind == MAJOR:
            return "a new major version is the settings' engine line (docs/operate/upgrades.md)"
        if self.kind == ENGINE:
            return "not a security update"
        return f"a type that this command does not know: {self.kind}"

    @property
    def urgency(self) -> tuple[bool, int, datetime]:
        """The order in which updates are applied: security first, the most severe first."""
        known = self.severity in SEVERITIES
        rank = SEVERITIES.index(self.severity) if known else len(SEVERITIES)
        return self.kind != SECURITY, rank, self.released


def chosen(updates: Iterable[Update], *, security_only: bool) -> list[Update]:
    """Those that are to be applied, in their order."""
    kinds = (SECURITY,) if security_only else (SECURITY, ENGINE)
    return sorted(
        (update for update in updates if update.kind in kinds), key=lambda update: update.urgency
    )


class ServiceUpdates:
    """The updates of a group, asked of and applied by ElastiCache."""

    def __init__(self, elasticache: Any, group_id: str) -> None:
        self._elasticache = elasticache
        self._group_id = group_id

    def pending(self) -> list[Update]:
        """What ElastiCache offers the group and that is not applied yet.

        Raises Answer when there is no such group, or an update is under way.
        """
        self._require_group()
        found = self._actions(ServiceUpdateStatus=["available"])
        busy = [update for update in found if update.status in (*UNDER_WAY, "stopping")]
        if busy:
            raise Answer(
                f"apply-updates: {busy[0].name} is {busy[0].status} on {self._group_id}, "
                f"{busy[0].nodes} nodes. ElastiCache takes no second one meanwhile. Run this again "
                "when it is complete."
            )
        return [update for update in found if update.status in WAITING]

    def apply(self, update: Update) -> Update:
        """Apply one and wait until every node has it and the group is available again.

        Raises Answer if ElastiCache refuses it, it is stopped, or it takes too long.
        """
        answer = self._elasticache.batch_apply_update_action(
            ReplicationGroupIds=[self._group_id], ServiceUpdateName=update.name
        )
        for refused in answer.get("UnprocessedUpdateActions", []):
            raise Answer(
                f"apply-updates: ElastiCache does not apply {update.name} to {self._group_id}: "
                f"{refused.get('ErrorType')}, {refused.get('ErrorMessage')}. Nothing was changed."
            )
        longest = LONGEST_PER_NODE * self._nodes()
        waited, progress = 0.0, ""
        while waited <= longest.total_seconds():
            found = self._now(update)
            if found.status == COMPLETE and self._available():
                return found
            self._require_going_on(found)
            if progress != (progress := f"  {update.name}: {found.status}, {found.nodes} nodes"):
                print(f"{progress}, {waited / 60:.0f} min", flush=True)
            time.sleep(LOOK_EVERY)
            waited += LOOK_EVERY
        raise Answer(
            f"apply-updates: {update.name} is not complete after "
            f"{longest.total_seconds() / 60:.0f} min: {found.status}, {found.nodes} nodes of "
            f"{self._group_id}. ElastiCache continues. Watch it with aws elasticache "
            f"describe-update-actions --service-update-name {update.name}, and run make health "
            "when it is complete."
        )

    def _require_going_on(self, found: Update) -> None:
        if found.status in ("stopping", "stopped"):
            raise Answer(
                f"apply-updates: somebody stopped {found.name} when {found.nodes} nodes of "
                f"{self._group_id} had it. Those keep it. Run this again to apply the rest."
            )
        if found.status == "not-applicable":
            raise Answer(
                f"apply-updates: {found.name} does not concern {self._group_id} any more: a newer "
                "update took its place. Run this again: it applies what is offered now."
            )

    def _now(self, update: Update) -> Update:
        found = self._actions(ServiceUpdateName=update.name)
        if not found:
            raise Answer(
                f"apply-updates: ElastiCache does not list {update.name} any more: it is unknown "
                f"whether {self._group_id} has it. Look in the console under Service updates, and "
                "run this again."
            )
        return found[0]

    def _actions(self, **which: Any) -> list[Update]:
        pages = self._elasticache.get_paginator("describe_update_actions").paginate(
            ReplicationGroupIds=[self._group_id], **which
        )
        return [Update.read(action) for page in pages for action in page["UpdateActions"]]

    def _require_group(self) -> None:
        try:
            self._describe()
        except self._elasticache.exceptions.ReplicationGroupNotFoundFault:
            raise Answer(
                f"apply-updates: there is no replication group {self._group_id}. Deploy the "
                "environment first."
            ) from None

    def _available(self) -> bool:
        return bool(self._describe()["Status"] == "available")

    def _nodes(self) -> int:
        return len(self._describe().get("MemberClusters", []))

    def _describe(self) -> Mapping[str, Any]:
        answer = self._elasticache.describe_replication_groups(ReplicationGroupId=self._group_id)
        (group,) = answer["ReplicationGroups"]
        found: Mapping[str, Any] = group
        return found
