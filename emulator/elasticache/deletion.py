"""DeleteReplicationGroup: the nodes end, a final snapshot stays, automatic ones go too."""

from __future__ import annotations

import shutil
from typing import Any

from emulator.elasticache import reading, snapshots
from emulator.elasticache.errors import NotRehearsedError, group_state
from emulator.elasticache.jobs import Jobs
from emulator.elasticache.state import ReplicationGroup, State
from emulator.elasticache.views import replication_group
from emulator.elasticache.wire import Params

DELETABLE = ("available", "create-failed")


def delete(state: State, jobs: Jobs, params: Params) -> dict[str, Any]:
    """DeleteReplicationGroup. A group whose creation failed can be deleted too."""
    group = state.group(reading.required(params, "ReplicationGroupId"))
    if group.status not in DELETABLE:
        raise group_state(f"Replication group {group.id} has status {group.status}.")
    if reading.flag(params, "RetainPrimaryCluster"):
        raise NotRehearsedError("keep the primary of a deleted replication group")
    final = reading.text(params, "FinalSnapshotIdentifier")
    snapshot = None
    if final is not None:
        primary = None if group.cluster_mode else group.running.shards[0].primary.name
        snapshot = snapshots.begin(state, group, final, primary, reading.tags(params))

    def work() -> None:
        if snapshot is not None:
            snapshots.fill(state, group, snapshot)
        if group.nodes is not None:
            group.nodes.stop()

    jobs.run(group, "deleting", "deleting", work, lambda: _forget(state, group))
    return {"ReplicationGroup": replication_group(group)}


def _forget(state: State, group: ReplicationGroup) -> None:
    del state.groups[group.id]
    for found in list(state.snapshots.values()):
        if snapshots.automatic_of(found, group):
            snapshots.remove(state, found)
    shutil.rmtree(state.ground.folder / group.id, ignore_errors=True)
    state.event("replication-group", group.id, f"Replication group {group.id} deleted")
    state.announce(group, "DeleteCacheClusterComplete")
