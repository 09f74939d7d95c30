"""Service updates: published by the rehearsal's driver, applied by restarting every node.

A small model: an update concerns all groups of its engine; applying it restarts the nodes in
turn, as AWS replaces them. Stopping leaves the nodes that have had their turn as they are.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from emulator import engines
from emulator.elasticache import wire
from emulator.elasticache.state import ReplicationGroup, ServiceUpdate, State
from emulator.elasticache.wire import Params

RECOMMENDED_WITHIN = timedelta(days=30)
# botocore knows only the first; AWS publishes all three (ElastiCache's help page on maintenance).
TYPES = ("security-update", "engine-update", "engine-major-version-update")
IN_PROGRESS, COMPLETE, STOPPING, STOPPED = "in-progress", "complete", "stopping", "stopped"

Problem = tuple[str, str] | None  # the type and the message of an unprocessed action's error


def publish(
    state: State, name: str, severity: str, engine: str = "redis", kind: str = TYPES[0]
) -> None:
    """Publish an update; severity is critical, important, medium or low.

    Raises ValueError for a type that AWS does not have.
    """
    if kind not in TYPES:
        raise ValueError(f"{kind} is no type of update: write one of {', '.join(TYPES)}")
    released = state.clock()
    shown = {
        "ServiceUpdateName": name,
        "ServiceUpdateReleaseDate": released,
        "ServiceUpdateSeverity": severity,
        "ServiceUpdateStatus": "available",
        "ServiceUpdateRecommendedApplyByDate": released + RECOMMENDED_WITHIN,
        "ServiceUpdateType": kind,
        "Engine": engine,
    }
    state.service_updates[name.lower()] = ServiceUpdate(name, engine, released, shown)
    for group in state.groups.values():
        if group.version.engine == engine and group.nodes is not None:
            for member in group.nodes.members:
                state.announce(group, "ServiceUpdateAvailableForNode", member.name)


def describe_service_updates(state: State, params: Params) -> dict[str, Any]:
    """One, or all."""
    updates = state.service_updates.named(params.get("ServiceUpdateName"))
    status = params.get("ServiceUpdateStatus") or ["available"]
    shown = [
        update.shown
        | {
            "ServiceUpdateDescription": f"{update.shown['ServiceUpdateType']} {update.name}",
            "AutoUpdateAfterRecommendedApplyByDate": False,
            "EstimatedUpdateTime": "30 minutes per node",
        }
        for update in updates
        if "available" in status
    ]
    return wire.page(shown, "ServiceUpdates", params)


def describe_update_actions(state: State, params: Params) -> dict[str, Any]:
    """One for each update and group that it concerns."""
    name = params.get("ServiceUpdateName")
    groups, statuses = params.get("ReplicationGroupIds"), params.get("UpdateActionStatus")
    shown = [
        _action(update, group)
        for update, group in _pairs(state)
        if name in (None, update.name)
        and (not groups or group.id in groups)
        and (not statuses or update.progress[group.id].status in statuses)
    ]
    return wire.page(shown, "UpdateActions", params)


def batch_apply_update_action(state: State, params: Params) -> dict[str, Any]:
    """Begin to restart the nodes of these groups."""
    return _batch(state, params, _not_applicable, _start)


def batch_stop_update_action(state: State, params: Params) -> dict[str, Any]:
    """The node whose turn it is is finished, the others stay."""

    def problem(_state: State, update: ServiceUpdate, name: str) -> Problem:
        if update.progress[name].status != IN_PROGRESS:
            return "InvalidParameterValue", f"{update.name} is not being applied to {name}."
        return None

    def act(_state: State, group: ReplicationGroup, update: ServiceUpdate) -> None:
        update.progress[group.id].status = STOPPING

    return _batch(state, params, problem, act)


def _batch(
    state: State,
    params: Params,
    problem_of: Callable[[State, ServiceUpdate, str], Problem],
    act: Callable[[State, ReplicationGroup, ServiceUpdate], None],
) -> dict[str, Any]:
    update = state.service_updates.find(params["ServiceUpdateName"])
    done: list[dict[str, str]] = []
    refused: list[dict[str, str]] = []
    for name in map(str, params.get("ReplicationGroupIds") or []):
        entry = {"ReplicationGroupId": name, "ServiceUpdateName": update.name}
        if problem := problem_of(state, update, name):
            refused.append(entry | {"ErrorType": problem[0], "ErrorMessage": problem[1]})
        else:
            act(state, state.groups.find(name), update)
            done.append(entry | {"UpdateActionStatus": update.progress[name].status})
    return {"ProcessedUpdateActions": done, "UnprocessedUpdateActions": refused}


def _pairs(state: State) -> Iterator[tuple[ServiceUpdate, ReplicationGroup]]:
    for update in state.service_updates.values():
        for group in state.groups.values():
            if group.version.engine == update.engine and group.created <= update.released:
                yield update, group


def _not_applicable(state: State, update: ServiceUpdate, name: str) -> Problem:
    if name not in state.groups:
        return "ReplicationGroupNotFoundFault", f"ReplicationGroup {name} not found."
    group = state.groups[name]
    if (update, group) not in list(_pairs(state)):
        return "InvalidParameterValue", f"{update.name} does not concern {name}."
    if group.status != "available":
        return "InvalidReplicationGroupState", f"{name} is not in available state."
    if update.progress[name].status == COMPLETE:
        return "InvalidParameterValue", f"{update.name} has been applied to {name}."
    return None


def _start(state: State, group: ReplicationGroup, update: ServiceUpdate) -> None:
    progress = update.progress[group.id]
    progress.status = IN_PROGRESS
    version = group.version
    begun: list[str] = []

    def turn(member: str) -> bool:
        progress.updated.update(begun)
        state.jobs.wait(state.promises.seconds)
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

    state.jobs.run(group, "modifying", work, done)


def _action(update: ServiceUpdate, group: ReplicationGroup) -> dict[str, Any]:
    progress = update.progress[group.id]
    nodes = group.shards * (group.replicas + 1)
    return update.shown | {
        "ReplicationGroupId": group.id,
        "UpdateActionAvailableDate": update.released,
        "UpdateActionStatus": progress.status,
        "NodesUpdated": f"{len(progress.updated)}/{nodes}",
        "UpdateActionStatusModifiedDate": update.released,
        "SlaMet": "n/a",
    }
