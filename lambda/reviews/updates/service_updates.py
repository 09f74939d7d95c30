"""ElastiCache's service updates that the group has not had yet.

Source: ElastiCache API reference, DescribeUpdateActions and DescribeServiceUpdates.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.aws_calls import ask

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
        for update in _pages(
            client.describe_service_updates,
            "list the service updates",
            "ServiceUpdates",
            ServiceUpdateStatus=["available"],
        )
    }
    actions = _pages(
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


def _pages(
    operation: Any, doing: str, items: str, **parameters: Any
) -> Iterator[Mapping[str, Any]]:
    page: dict[str, str] = {}
    while True:
        answer = ask(operation, doing, **parameters, **page)
        yield from answer[items]
        if not answer.get("Marker"):
            return
        page = {"Marker": answer["Marker"]}
