"""Snapshots: begun with a call, filled with real RDB files, removed with their files."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from datetime import timedelta
from typing import Any

from rehearsal.elasticache import reading, views
from rehearsal.elasticache.errors import (
    AwsError,
    NotRehearsedError,
    cluster_not_found,
    group_not_found,
    invalid_combination,
    invalid_value,
)
from rehearsal.elasticache.jobs import Jobs
from rehearsal.elasticache.state import ReplicationGroup, Snapshot, State
from rehearsal.elasticache.wire import Params

MOST_A_DAY = 20

_NAME = re.compile(r"[a-z](?:-?[a-z0-9])*")
_COPIED = (
    "ReplicationGroupId",
    "SnapshotRetentionLimit",
    "SnapshotWindow",
    "CacheNodeType",
    "AutomaticFailover",
    "AutoMinorVersionUpgrade",
    "KmsKeyId",
    "DataTiering",
)


def create(state: State, jobs: Jobs, params: Params) -> dict[str, Any]:
    """CreateSnapshot of a whole replication group, or of one member without cluster mode."""
    group = _source(state, params)
    if group.status != "available":
        raise AwsError(
            "InvalidReplicationGroupState",
            f"Replication group {group.id} is not in available state.",
        )
    name = reading.required(params, "SnapshotName")
    _check_quota(state, group)
    found = begin(state, group, name, "manual", reading.tags(params))
    jobs.run(group, "snapshotting", "snapshotting", lambda: fill(state, group, found))
    return {"Snapshot": views.snapshot(found)}


def copy(state: State, params: Params) -> dict[str, Any]:
    """CopySnapshot: a manual one, with files of its own."""
    if params.get("TargetBucket"):
        raise NotRehearsedError("export a snapshot to S3")
    source = state.snapshot(reading.required(params, "SourceSnapshotName"))
    if source.status != "available":
        raise AwsError("InvalidSnapshotState", f"Snapshot {source.name} is {source.status}.")
    name = _free_name(state, reading.required(params, "TargetSnapshotName"))
    folder = state.ground.folder / "snapshots" / name
    shutil.copytree(state.ground.folder / "snapshots" / source.name, folder)
    key = reading.text(params, "KmsKeyId")
    found = replace(
        source,
        name=name,
        arn=state.arn("snapshot", name),
        source="manual",
        group=source.group | ({"KmsKeyId": key} if key else {}),
        files=[folder / file.name for file in source.files],
        tags=reading.tags(params),
    )
    state.snapshots[name] = found
    return {"Snapshot": views.snapshot(found)}


def take_automatic(state: State, jobs: Jobs, group_id: str) -> str:
    """Do what the service does once a day in the snapshot window; the snapshot's name."""
    group = state.available(group_id, "snapshot")
    if group.retention == 0:
        raise invalid_combination(f"Automatic snapshots of {group.id} are off.")
    held = [each for each in state.snapshots.values() if _automatic_of(each, group)]
    for old in sorted(held, key=lambda each: each.created)[: len(held) - group.retention + 1]:
        remove(state, old)
    name = f"automatic.{group.id}-{state.clock():%Y-%m-%d-%H-%M-%S-%f}"
    found = _add(state, group, name, "automated", {})
    jobs.run(group, "snapshotting", "snapshotting", lambda: fill(state, group, found))
    return name


def describe(state: State, params: Params) -> dict[str, Any]:
    """DescribeSnapshots, newest first."""
    name = reading.text(params, "SnapshotName")
    found = [state.snapshot(name)] if name else list(state.snapshots.values())
    group = reading.text(params, "ReplicationGroupId")
    if group is not None:
        found = [each for each in found if each.group["ReplicationGroupId"] == group.lower()]
    member = reading.text(params, "CacheClusterId")
    if member is not None:
        found = [each for each in found if member in [name for _, name in each.members]]
    source = {"user": "manual", "system": "automated"}.get(
        reading.text(params, "SnapshotSource") or "", reading.text(params, "SnapshotSource")
    )
    if source is not None:
        found = [each for each in found if each.source == source]
    detail = reading.flag(params, "ShowNodeGroupConfig") or False
    found.sort(key=lambda each: each.created, reverse=True)
    return reading.page([views.snapshot(each, detail) for each in found], "Snapshots", params)


def delete(state: State, params: Params) -> dict[str, Any]:
    """DeleteSnapshot."""
    found = state.snapshot(reading.required(params, "SnapshotName"))
    if found.status != "available":
        raise AwsError("InvalidSnapshotState", f"Snapshot {found.name} is {found.status}.")
    shown = views.snapshot(found) | {"SnapshotStatus": "deleting"}
    remove(state, found)
    return {"Snapshot": shown}


def begin(
    state: State, group: ReplicationGroup, name: str, source: str, tags: dict[str, str]
) -> Snapshot:
    """A snapshot in status creating. Raises for a name that is taken or not a name."""
    return _add(state, group, _free_name(state, name), source, tags)


def fill(state: State, group: ReplicationGroup, found: Snapshot) -> None:
    """Write the snapshot's files and make it available."""
    try:
        files = group.running.snapshot(state.ground.folder / "snapshots" / found.name)
    except Exception:
        with state.lock:
            found.status = "failed"
        for _, member in found.members:
            state.announce(group, "SnapshotFailed", member)
        raise
    with state.lock:
        found.files = files
        found.finished = state.clock()
        found.status = "available"
    for _, member in found.members:
        text = f"Snapshot succeeded for snapshot with ID '{found.name}' of cluster '{member}'"
        state.event("cache-cluster", member, text)
        state.announce(group, "SnapshotComplete", member)


def remove(state: State, found: Snapshot) -> None:
    """Forget a snapshot and its files."""
    state.snapshots.pop(found.name, None)
    shutil.rmtree(state.ground.folder / "snapshots" / found.name, ignore_errors=True)


def _free_name(state: State, name: str) -> str:
    if name.lower() in state.snapshots:
        raise AwsError(
            "SnapshotAlreadyExistsFault", f"Snapshot with specified name already exists: {name}"
        )
    if len(name) > 255 or not _NAME.fullmatch(name.lower()):
        raise invalid_value(f"Invalid snapshot name: {name}.")
    return name.lower()


def _add(
    state: State, group: ReplicationGroup, name: str, source: str, tags: dict[str, str]
) -> Snapshot:
    shown = views.replication_group(group)
    copied = {key: shown[key] for key in _COPIED} | {
        "ReplicationGroupDescription": group.description,
        "CacheClusterCreateTime": group.created,
        "PreferredMaintenanceWindow": group.maintenance_window,
        "TopicArn": group.topic,
        "Port": group.port,
        "CacheParameterGroupName": group.parameter_group.name,
        "CacheSubnetGroupName": group.subnet_group,
        "NumNodeGroups": group.shards,
    }
    shards = group.running.shards
    saved = [(shard.number, (shard.replicas or [shard.primary])[0].name) for shard in shards]
    found = Snapshot(
        name=name,
        arn=state.arn("snapshot", name),
        source=source,
        status="creating",
        created=state.clock(),
        group=copied,
        version=group.version,
        cluster_mode=group.cluster_mode,
        members=saved,
        tags=tags,
        slots=tuple(shard.slots for shard in shards) if group.cluster_mode else (),
    )
    state.snapshots[name] = found
    return found


def _check_quota(state: State, group: ReplicationGroup) -> None:
    since = state.clock() - timedelta(days=1)
    taken = [
        each
        for each in state.snapshots.values()
        if each.source == "manual"
        and each.created > since
        and each.group["ReplicationGroupId"] == group.id
    ]
    if len(taken) >= MOST_A_DAY:
        raise AwsError(
            "SnapshotQuotaExceededFault",
            f"More than {MOST_A_DAY} manual snapshots of {group.id} within 24 hours.",
        )


def _automatic_of(found: Snapshot, group: ReplicationGroup) -> bool:
    return found.source == "automated" and found.group["ReplicationGroupId"] == group.id


def _source(state: State, params: Params) -> ReplicationGroup:
    name = reading.text(params, "ReplicationGroupId")
    member = reading.text(params, "CacheClusterId")
    if (name is None) == (member is None):
        raise invalid_combination(
            "Exactly one of ReplicationGroupId and CacheClusterId must be given."
        )
    if name is not None:
        if name.lower() not in state.groups:
            raise group_not_found(name)
        return state.groups[name.lower()]
    for group in state.groups.values():
        if group.nodes and member in [each.name for each in group.nodes.members]:
            if group.cluster_mode:
                raise NotRehearsedError("a snapshot of one shard in cluster mode")
            return group
    raise cluster_not_found(member or "")
