"""Service updates: published by the rehearsal's driver, applied by restarting every node.

A small model: an update concerns all groups of its engine; applying it restarts the nodes in
turn, as AWS replaces them, and there is no stopping.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from rehearsal import engines
from rehearsal.elasticache import reading
from rehearsal.elasticache.errors import AwsError
from rehearsal.elasticache.jobs import Jobs
from rehearsal.elasticache.state import ReplicationGroup, State
from rehearsal.elasticache.wire import Params

RECOMMENDED_WITHIN = timedelta(days=30)


@dataclass
class ServiceUpdate:
    """A security update; `progress` is each group's update action status."""

    name: str
    severity: str
    engine: str
    released: datetime
    progress: dict[str, str] = field(default_factory=dict)


class ServiceUpdates:
    """All updates that AWS has published to this account."""

    def __init__(self, state: State, jobs: Jobs) -> None:
        self._state = state
        self._jobs = jobs
        self._updates: dict[str, ServiceUpdate] = {}

    def publish(self, name: str, severity: str, engine: str = "redis") -> None:
        """Publish a security update; severity is critical, important, medium or low."""
        self._updates[name] = ServiceUpdate(name, severity, engine, self._state.clock())
        for group in self._state.groups.values():
            if group.version.engine == engine and group.nodes is not None:
                for member in group.nodes.members:
                    self._state.announce(group, "ServiceUpdateAvailableForNode", member.name)

    def describe(self, _state: State, params: Params) -> dict[str, Any]:
        """DescribeServiceUpdates."""
        name = reading.text(params, "ServiceUpdateName")
        found = [self._find(name)] if name else list(self._updates.values())
        status = reading.items(params, "ServiceUpdateStatus") or ["available"]
        shown = [_view(update) for update in found if "available" in status]
        return reading.page(shown, "ServiceUpdates", params)

    def describe_actions(self, state: State, params: Params) -> dict[str, Any]:
        """DescribeUpdateActions: one for each update and group that it concerns."""
        name = reading.text(params, "ServiceUpdateName")
        wanted = reading.items(params, "ReplicationGroupIds")
        statuses = reading.items(params, "UpdateActionStatus")
        shown = [
            _action(update, group)
            for update, group in self._pairs(state)
            if name in (None, update.name) and (not wanted or group.id in wanted)
        ]
        if statuses:
            shown = [entry for entry in shown if entry["UpdateActionStatus"] in statuses]
        return reading.page(shown, "UpdateActions", params)

    def apply(self, state: State, params: Params) -> dict[str, Any]:
        """BatchApplyUpdateAction."""
        update = self._find(reading.required(params, "ServiceUpdateName"))
        done: list[dict[str, str]] = []
        refused: list[dict[str, str]] = []
        for name in reading.items(params, "ReplicationGroupIds") or []:
            entry = {"ReplicationGroupId": str(name), "ServiceUpdateName": update.name}
            problem = self._problem(state, update, str(name))
            if problem is not None:
                refused.append(
                    entry | dict(zip(("ErrorType", "ErrorMessage"), problem, strict=True))
                )
                continue
            self._start(state.group(str(name)), update)
            done.append(entry | {"UpdateActionStatus": "in-progress"})
        return {"ProcessedUpdateActions": done, "UnprocessedUpdateActions": refused}

    def _find(self, name: str) -> ServiceUpdate:
        if name not in self._updates:
            raise AwsError("ServiceUpdateNotFoundFault", f"Service update {name} not found.", 404)
        return self._updates[name]

    def _pairs(self, state: State) -> Iterator[tuple[ServiceUpdate, ReplicationGroup]]:
        for update in self._updates.values():
            for group in state.groups.values():
                if group.version.engine == update.engine and group.created <= update.released:
                    yield update, group

    def _problem(self, state: State, update: ServiceUpdate, name: str) -> tuple[str, str] | None:
        if name not in state.groups:
            return "ReplicationGroupNotFoundFault", f"ReplicationGroup {name} not found."
        group = state.groups[name]
        if (update, group) not in list(self._pairs(state)):
            return "InvalidParameterValue", f"{update.name} does not concern {name}."
        if group.status != "available":
            return "InvalidReplicationGroupState", f"{name} is not in available state."
        if update.progress.get(name) == "complete":
            return "InvalidParameterValue", f"{update.name} has been applied to {name}."
        return None

    def _start(self, group: ReplicationGroup, update: ServiceUpdate) -> None:
        update.progress[group.id] = "in-progress"
        version = group.version

        def work() -> None:
            server = engines.obtain(version.engine, version.short)
            group.running.upgrade(server, group.parameter_group.effective())

        def done() -> None:
            update.progress[group.id] = "complete"

        self._jobs.run(group, "modifying", "modifying", work, done)


def _view(update: ServiceUpdate) -> dict[str, Any]:
    return {
        "ServiceUpdateName": update.name,
        "ServiceUpdateReleaseDate": update.released,
        "ServiceUpdateSeverity": update.severity,
        "ServiceUpdateRecommendedApplyByDate": update.released + RECOMMENDED_WITHIN,
        "ServiceUpdateStatus": "available",
        "ServiceUpdateDescription": f"Security update {update.name}",
        "ServiceUpdateType": "security-update",
        "Engine": update.engine,
        "AutoUpdateAfterRecommendedApplyByDate": False,
        "EstimatedUpdateTime": "30 minutes per node",
    }


def _action(update: ServiceUpdate, group: ReplicationGroup) -> dict[str, Any]:
    status = update.progress.get(group.id, "not-applied")
    nodes = group.shards * (group.replicas + 1)
    return {
        "ReplicationGroupId": group.id,
        "ServiceUpdateName": update.name,
        "ServiceUpdateReleaseDate": update.released,
        "ServiceUpdateSeverity": update.severity,
        "ServiceUpdateStatus": "available",
        "ServiceUpdateRecommendedApplyByDate": update.released + RECOMMENDED_WITHIN,
        "ServiceUpdateType": "security-update",
        "UpdateActionAvailableDate": update.released,
        "UpdateActionStatus": status,
        "NodesUpdated": f"{nodes if status == 'complete' else 0}/{nodes}",
        "UpdateActionStatusModifiedDate": update.released,
        "SlaMet": "n/a",
        "Engine": update.engine,
    }
