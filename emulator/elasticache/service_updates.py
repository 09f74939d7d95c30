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
from emulator.elasticache.wire import AwsError, Params, group_state, invalid_value

RECOMMENDED_WITHIN = timedelta(days=30)
# botocore knows only the first; AWS publishes all three (ElastiCache's help page on maintenance).
TYPES = ("security-update", "engine-update", "engine-major-version-update")
IN_PROGRESS, COMPLETE, STOPPING, STOPPED = "in-progress", "complete", "stopping", "stopped"

Act = Callable[[State, str, ServiceUpdate], None]  # on a group; its AwsError leaves it unprocessed


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
    """Describe one update, or all."""
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
    """Describe one action for each update and group that it concerns."""
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
    return _batch(state, params, _start)


def batch_stop_update_action(state: State, params: Params) -> dict[str, Any]:
    """The node whose turn it is is finished, the others stay."""
    return _batch(state, params, _stop)


def _batch(state: State, params: Params, act: Act) -> dict[str, Any]:
    update = state.service_updates.find(params["ServiceUpdateName"])
    done: list[dict[str, str]] = []
    refused: list[dict[str, str]] = []
    for name in map(str, params.get("ReplicationGroupIds") or []):
        entry = {"ReplicationGroupId": name, "ServiceUpdateName": update.name}
        try:
            act(state, name, update)
        except AwsError as error:
            refused.append(entry | {"ErrorType": error.code, "ErrorMessage": error.message})
        else:
            done.append(entry | {"UpdateActionStatus": update.progress[name].status})
    return {"ProcessedUpdateActions": done, "UnprocessedUpdateActions": refused}


def _stop(_state: State, name: str, update: ServiceUpdate) -> None:
    if update.progress[name].status != IN_PROGRESS:
        raise invalid_value(f"{update.name} is not being applied to {name}.")
    update.progress[name].status = STOPPING


def _pairs(state: State) -> Iterator[tuple[ServiceUpdate, ReplicationGroup]]:
    for update in state.service_updates.values():
        for group in state.groups.values():
            if group.version.engine == update.engine and group.created <= update.released:
                yield update, group


def _start(state: State, name: str, update: ServiceUpdate) -> None:
    group, progress = state.groups.find(name), update.progress[name]
    if name != group.id or (update, group) not in list(_pairs(state)):
        raise invalid_value(f"{update.name} does not concern {name}.")
    if group.status != "available":
        raise group_state(f"{name} is not in available state.")
    if progress.status == COMPLETE:
        raise invalid_value(f"{update.name} has been applied to {name}.")
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
