"""ElastiCache's service updates that the group has not had yet.

Source: ElastiCache API reference, DescribeUpdateActions and DescribeServiceUpdates.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from drawing.page import paragraph, table
from shared.aws_calls import every
from shared.notification import plain

DONE = frozenset({"complete", "not-applicable"})
SEVERITIES = ("critical", "important", "medium", "low")


@dataclass(frozen=True)
class ServiceUpdate:
    """One update; ``by_itself`` is whether AWS applies it after ``apply_by``.

    ``status`` is where the group stands with it, ``nodes`` how many have it, as in 1/3.
    """

    name: str
    severity: str
    security: bool
    apply_by: datetime | None
    by_itself: bool
    description: str
    status: str
    nodes: str

    @property
    def urgency(self) -> tuple[bool, int, float]:
        """Sorts what cannot wait to the front."""
        known = self.severity in SEVERITIES
        rank = SEVERITIES.index(self.severity) if known else len(SEVERITIES)
        return not self.security, rank, self.apply_by.timestamp() if self.apply_by else 0.0


def open_updates(client: Any, group_id: str) -> list[ServiceUpdate]:
    """What is still to be applied, the most urgent first. Raises what ``ask`` raises."""
    about = {
        update["ServiceUpdateName"]: update
        for update in every(
            client.describe_service_updates,
            "list the service updates",
            "ServiceUpdates",
            ServiceUpdateStatus=["available"],
        )
    }
    actions = every(
        client.describe_update_actions,
        "list the group's update actions",
        "UpdateActions",
        ReplicationGroupIds=[group_id],
        ServiceUpdateStatus=["available"],
    )
    updates = [
        _update(action, about.get(action["ServiceUpdateName"], {}))
        for action in actions
        if action["UpdateActionStatus"] not in DONE
    ]
    return sorted(updates, key=lambda update: update.urgency)


def _update(action: Mapping[str, Any], about: Mapping[str, Any]) -> ServiceUpdate:
    return ServiceUpdate(
        name=action["ServiceUpdateName"],
        severity=action.get("ServiceUpdateSeverity", "unknown"),
        security=action.get("ServiceUpdateType") == "security-update",
        apply_by=action.get("ServiceUpdateRecommendedApplyByDate"),
        by_itself=about.get("AutoUpdateAfterRecommendedApplyByDate", False),
        description=about.get("ServiceUpdateDescription", ""),
        status=action["UpdateActionStatus"],
        nodes=action.get("NodesUpdated", ""),
    )


HEADS = ("Update", "Severity", "Apply by", "Status", "What it is")


def line(update: ServiceUpdate, now: datetime) -> str:
    """For the channel."""
    what = "security update" if update.security else "update"
    return (
        f"*{plain(update.name)}*: {plain(update.severity)} {what}, {due(update, now)}, "
        f"{plain(update.status)} ({plain(update.nodes)} nodes)"
    )


def updates_table(updates: Sequence[ServiceUpdate], now: datetime) -> str:
    """For the page."""
    if not updates:
        return paragraph("None: every update that concerns the group has been applied.", "good")
    rows = [
        (
            update.name,
            f"{update.severity}{', security' if update.security else ''}",
            due(update, now),
            f"{update.status}, {update.nodes} nodes",
            update.description,
        )
        for update in updates
    ]
    return table(HEADS, rows, ["bad" if update.security else "note" for update in updates])


def due(update: ServiceUpdate, now: datetime) -> str:
    """Until when, and what happens then."""
    if update.apply_by is None:
        return "without a date"
    days = (update.apply_by - now).days
    left = f"in {days} days" if days >= 0 else f"{-days} days ago"
    then = "; AWS applies it after that" if update.by_itself else ""
    return f"by {update.apply_by:%Y-%m-%d}, {left}{then}"
