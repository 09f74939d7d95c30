"""Service updates: published by the rehearsal's driver, applied by restarting every node.

A small model: an update concerns all groups of its engine; applying it restarts the nodes in
turn, as AWS replaces them. Stopping leaves the nodes that have had their turn as they are.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from emulator import engines
from emulator.elasticache import wire
from emulator.elasticache.errors import AwsError
from emulator.elasticache.state import Jobs, ReplicationGroup, State
from emulator.elasticache.wire import Params

RECOMMENDED_WITHIN = timedelta(days=30)
# botocore knows only the first; AWS publishes all three (ElastiCache's help page on maintenance).
TYPES = ("security-update", "engine-update", "engine-major-version-update")
NOT_APPLIED, IN_PROGRESS, COMPLETE = "not-applied", "in-progress", "complete"
STOPPING, STOPPED = "stopping", "stopped"


@dataclass
class Progress:
    """An update action's status, and the nodes of the group that have had their turn."""

    status: str = NOT_APPLIED
    updated: set[str] = field(default_factory=set)


@dataclass
class ServiceUpdate:
    """An update; `progress` is by group."""

    name: str
    severity: str
    engine: str
    kind: str
    released: datetime
    progress: defaultdict[str, Progress] = field(default_factory=lambda: defaultdict(Progress))


class ServiceUpdates:
    """All updates that AWS has published to this account."""

    def __init__(self, state: State, jobs: Jobs) -> None:
        self._state = state
        self._jobs = jobs
        self._updates: dict[str, ServiceUpdate] = {}

    def publish(
        self, name: str, severity: str, engine: str = "redis", kind: str = TYPES[0]
    ) -> None:
        """Publish an update; severity is critical, important, medium or low."""
        if kind not in TYPES:
            raise ValueError(f"{kind} is no type of update: write one of {', '.join(TYPES)}")
        self._updates[name] = ServiceUpdate(name, severity, engine, kind, self._state.clock())
        for group in self._state.groups.values():
            if group.version.engine == engine and group.nodes is not None:
                for member in group.nodes.members:
                    self._state.announce(group, "ServiceUpdateAvailableForNode", member.name)

    def describe(self, _state: State, params: Params) -> dict[str, Any]:
        """DescribeServiceUpdates."""
        name = params.get("ServiceUpdateName")
        found = [self._find(name)] if name else list(self._updates.values())
        status = params.get("ServiceUpdateStatus") or ["available"]
        shown = [_view(update) for update in found if "available" in status]
        return wire.page(shown, "ServiceUpdates", params)

    def describe_actions(self, state: State, params: Params) -> dict[str, Any]:
        """DescribeUpdateActions: one for each update and group that it concerns."""
        name = params.get("ServiceUpdateName")
        wanted = params.get("ReplicationGroupIds")
        statuses = params.get("UpdateActionStatus")
        shown = [
            _action(update, group)
            for update, group in self._pairs(state)
            if name in (None, update.name) and (not wanted or group.id in wanted)
        ]
        if statuses:
            shown = [entry for entry in shown if entry["UpdateActionStatus"] in statuses]
        return wire.page(shown, "UpdateActions", params)

    def apply(self, state: State, params: Params) -> dict[str, Any]:
        """BatchApplyUpdateAction."""
        return self._batch(state, params, self._problem, self._start)

    def stop(self, state: State, params: Params) -> dict[str, Any]:
        """BatchStopUpdateAction: the node whose turn it is is finished, the others stay."""
        return self._batch(state, params, self._not_under_way, self._stop)

    def _batch(
        self,
        state: State,
        params: Params,
        problem: Callable[[State, ServiceUpdate, str], tuple[str, str] | None],
        act: Callable[[ReplicationGroup, ServiceUpdate], None],
    ) -> dict[str, Any]:
        update = self._find(params["ServiceUpdateName"])
        done: list[dict[str, str]] = []
        refused: list[dict[str, str]] = []
        for name in map(str, params.get("ReplicationGroupIds") or []):
            entry = {"ReplicationGroupId": name, "ServiceUpdateName": update.name}
            found = problem(state, update, name)
            if found is not None:
                refused.append(entry | dict(zip(("ErrorType", "ErrorMessage"), found, strict=True)))
                continue
            act(state.group(name), update)
            done.append(entry | {"UpdateActionStatus": update.progress[name].status})
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
        if update.progress[name].status == COMPLETE:
            return "InvalidParameterValue", f"{update.name} has been applied to {name}."
        return None

    def _not_under_way(
        self, _state: State, update: ServiceUpdate, name: str
    ) -> tuple[str, str] | None:
        if update.progress[name].status != IN_PROGRESS:
            return "InvalidParameterValue", f"{update.name} is not being applied to {name}."
        return None

    def _stop(self, group: ReplicationGroup, update: ServiceUpdate) -> None:
        update.progress[group.id].status = STOPPING

    def _start(self, group: ReplicationGroup, update: ServiceUpdate) -> None:
        progress = update.progress[group.id]
        progress.status = IN_PROGRESS
        version = group.version
        begun: list[str] = []

        def turn(member: str) -> bool:
            progress.updated.update(begun)
            self._jobs.wait(self._state.promises.seconds)
            if progress.status != IN_PROGRESS:
                return False
            begun.append(member)
            return True

        def work() -> None:
            server = engines.obtain(version.engine, version.short)
            group.running.upgrade(server, group.parameter_group.effective(), turn)

        def done() -> None:
            progress.updated.update(begun)
            whole = len(progress.updated) == len(group.running.members)
            progress.status = COMPLETE if whole else STOPPED

        self._jobs.run(group, "modifying", work, done)


def _view(update: ServiceUpdate) -> dict[str, Any]:
    return {
        "ServiceUpdateName": update.name,
        "ServiceUpdateReleaseDate": update.released,
        "ServiceUpdateSeverity": update.severity,
        "ServiceUpdateRecommendedApplyByDate": update.released + RECOMMENDED_WITHIN,
        "ServiceUpdateStatus": "available",
        "ServiceUpdateDescription": f"{update.kind} {update.name}",
        "ServiceUpdateType": update.kind,
        "Engine": update.engine,
        "AutoUpdateAfterRecommendedApplyByDate": False,
        "EstimatedUpdateTime": "30 minutes per node",
    }


def _action(update: ServiceUpdate, group: ReplicationGroup) -> dict[str, Any]:
    progress = update.progress[group.id]
    nodes = group.shards * (group.replicas + 1)
    return {
        "ReplicationGroupId": group.id,
        "ServiceUpdateName": update.name,
        "ServiceUpdateReleaseDate": update.released,
        "ServiceUpdateSeverity": update.severity,
        "ServiceUpdateStatus": "available",
        "ServiceUpdateRecommendedApplyByDate": update.released + RECOMMENDED_WITHIN,
        "ServiceUpdateType": update.kind,
        "UpdateActionAvailableDate": update.released,
        "UpdateActionStatus": progress.status,
        "NodesUpdated": f"{len(progress.updated)}/{nodes}",
        "UpdateActionStatusModifiedDate": update.released,
        "SlaMet": "n/a",
        "Engine": update.engine,
    }
