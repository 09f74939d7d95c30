"""Snapshots: begun with a call, filled with real RDB files, removed with their files.

Without cluster mode a snapshot is of one member, in cluster mode of the group (user guide, "Taking
manual backups"). Automatic ones are called automatic.<member>-<minute> (sample of DescribeSnapshots
in the command line's reference), a final one is of the primary (user guide, "Performance impact of
backups"). How automatic ones are called in cluster mode is unverified.
"""

import shutil
from dataclasses import replace
from datetime import timedelta
from typing import Any

from emulator.elasticache import describing, wire
from emulator.elasticache.state import ReplicationGroup, Snapshot, State
from emulator.elasticache.wire import (
    AwsError,
    NotRehearsedError,
    Params,
    cluster_not_found,
    group_state,
    invalid_combination,
)

MOST_A_DAY = 20
NEIGHBOUR = "-staging"


def create_snapshot(state: State, params: Params) -> dict[str, Any]:
    """Begin a snapshot of a replication group in cluster mode, or of one member without it."""
    group, member = _source(state, params)
    if group.status != "available":
        raise group_state(f"Replication group {group.id} is not in available state.")
    _check_quota(state, group)
    name = state.snapshots.new_id(params["SnapshotName"])
    snapshot = begin(state, group, name, member, wire.tags(params))
    state.jobs.run(group, "snapshotting", lambda: fill(state, group, snapshot))
    return {"Snapshot": describing.snapshot(snapshot)}


def copy_snapshot(state: State, params: Params) -> dict[str, Any]:
    """Copy a snapshot: the new one is manual, with files of its own."""
    if params.get("TargetBucket"):
        raise NotRehearsedError("export a snapshot to S3")
    source = state.snapshots.find(params["SourceSnapshotName"])
    if source.status != "available":
        raise AwsError("InvalidSnapshotState", f"Snapshot {source.name} is {source.status}.")
    if not source.files:
        raise NotRehearsedError(f"copy {source.name}, of which there is only a description")
    name = state.snapshots.new_id(params["TargetSnapshotName"])
    folder = state.context.folder / "snapshots" / name
    shutil.copytree(state.context.folder / "snapshots" / source.name, folder)
    snapshot = replace(
        source,
        name=name,
        source="manual",
        files=[folder / file.name for file in source.files],
        tags=wire.tags(params),
    )
    state.snapshots[name] = snapshot
    return {"Snapshot": describing.snapshot(snapshot)}


def take_automatic(state: State, group_id: str) -> str:
    """Do what the service does once a day in the snapshot window; the snapshot's name."""
    group = state.available(group_id, "snapshot")
    if group.retention == 0:
        raise invalid_combination(f"Automatic snapshots of {group.id} are off.")
    for old in automatic_of(state, group)[group.retention - 1 :]:
        remove(state, old)
    member = None if group.cluster_mode else describing.snapshotting(group)
    name = _automatic_name(state, member or group.id)
    snapshot = begin(state, group, name, member, {}, "automated")
    state.jobs.run(group, "snapshotting", lambda: fill(state, group, snapshot))
    return name


def describe_snapshots(state: State, params: Params) -> dict[str, Any]:
    """Describe snapshots, in no order that AWS promises.

    Whether a filter by ReplicationGroupId finds the snapshots of a group without cluster mode is
    unverified: `state.promises` plays either answer.
    """
    snapshots = state.snapshots.named(params.get("SnapshotName"))
    group, member = params.get("ReplicationGroupId"), params.get("CacheClusterId")
    source = params.get("SnapshotSource")
    source = {"user": "manual", "system": "automated"}.get(source or "", source)
    shown = [
        describing.snapshot(each)
        for each in snapshots
        if (group is None or each.group_id == group.lower())
        and (group is None or state.promises.finds_members_by_group or not each.member)
        and member in (None, each.member)
        and source in (None, each.source)
    ]
    return wire.page(shown, "Snapshots", params)


def delete_snapshot(state: State, params: Params) -> dict[str, Any]:
    """Delete a complete snapshot."""
    snapshot = state.snapshots.find(params["SnapshotName"])
    if snapshot.status != "available":
        raise AwsError("InvalidSnapshotState", f"Snapshot {snapshot.name} is {snapshot.status}.")
    shown = describing.snapshot(snapshot) | {"SnapshotStatus": "deleting"}
    remove(state, snapshot)
    return {"Snapshot": shown}


def settle_neighbour(state: State, group: ReplicationGroup) -> None:
    """Give the account another group whose id begins with this one's, and newer snapshots of it.

    Of that group only the answers of DescribeSnapshots exist. Its snapshots are always
    a second younger than this group's. A group without automatic snapshots has none beside it.
    """
    if not group.retention or group.id.endswith(NEIGHBOUR):
        return
    name = f"{group.id}{NEIGHBOUR}"
    member = None if group.cluster_mode else f"{name}-001"
    snapshots = [
        each for each in state.snapshots.values() if each.group_id == name and not each.files
    ]
    if not snapshots:
        other = replace(group, id=name, nodes=None)
        snapshots = [
            begin(state, other, _automatic_name(state, member or name), member, {}, "automated"),
            begin(state, other, f"{name}-by-hand", member, {}),
        ]
    for each in snapshots:
        each.status = "available"
        each.created = each.finished = state.clock() + timedelta(seconds=1)


def fill(state: State, group: ReplicationGroup, snapshot: Snapshot) -> None:
    """Write the snapshot's files and make it available."""
    try:
        files = group.running.snapshot(state.context.folder / "snapshots" / snapshot.name)
    except Exception:
        with state.lock:
            snapshot.status = "failed"
        for _, member in snapshot.members:
            state.announce(group, "SnapshotFailed", member)
        raise
    with state.lock:
        snapshot.files = files
        snapshot.finished = state.clock()
        snapshot.status = "available"
        settle_neighbour(state, group)
    # The words for cluster mode are those of botocore's example of DescribeEvents.
    of = f"replication group with ID '{group.id}'" if group.cluster_mode else "cluster '{}'"
    for _, member in snapshot.members:
        text = f"Snapshot succeeded for snapshot with ID '{snapshot.name}' of {of.format(member)}"
        state.event("cache-cluster", member, text)
        state.announce(group, "SnapshotComplete", member)


def remove(state: State, snapshot: Snapshot) -> None:
    """Forget a snapshot and its files."""
    state.snapshots.pop(snapshot.name, None)
    shutil.rmtree(state.context.folder / "snapshots" / snapshot.name, ignore_errors=True)


def _automatic_name(state: State, source: str) -> str:
    """AWS names an automatic snapshot by the minute: here by the next free one.

    A rehearsal takes several within a minute.
    """
    when = state.clock()
    while (name := f"automatic.{source}-{when:%Y-%m-%d-%H-%M}") in state.snapshots:
        when += timedelta(minutes=1)
    return name


def begin(
    state: State,
    group: ReplicationGroup,
    name: str,
    member: str | None,
    tags: dict[str, str],
    source: str = "manual",
) -> Snapshot:
    """A snapshot in status creating, of a group or of one member."""
    shards = group.nodes.shards if group.nodes else []
    saved = [(each.number, member or (each.replicas or [each.primary])[0].name) for each in shards]
    snapshot = Snapshot(
        name=name,
        source=source,
        status="creating",
        created=state.clock(),
        group_id=group.id,
        member=member,
        described=describing.snapshot_source(group, member, state.vpc_of(group)),
        version=group.version,
        members=saved or [("0001", member or f"{group.id}-0001-001")],
        tags=tags,
        slots=tuple(shard.slots for shard in shards) if group.cluster_mode else (),
    )
    state.snapshots[name] = snapshot
    return snapshot


def _check_quota(state: State, group: ReplicationGroup) -> None:
    since = state.clock() - timedelta(days=1)
    taken = sum(
        each.source == "manual" and each.created > since and each.group_id == group.id
        for each in state.snapshots.values()
    )
    if taken >= MOST_A_DAY:
        raise AwsError(
            "SnapshotQuotaExceededFault",
            f"More than {MOST_A_DAY} manual snapshots of {group.id} within 24 hours.",
        )


def automatic_of(state: State, group: ReplicationGroup) -> list[Snapshot]:
    """Those that the service took of this group, the newest first."""
    kind = ("automated", group.id)
    taken = [each for each in state.snapshots.values() if (each.source, each.group_id) == kind]
    return sorted(taken, key=lambda each: each.created, reverse=True)


def _source(state: State, params: Params) -> tuple[ReplicationGroup, str | None]:
    """The group, and without cluster mode the member that is saved."""
    name = params.get("ReplicationGroupId")
    member = params.get("CacheClusterId")
    if (name is None) == (member is None):
        raise invalid_combination(
            "Exactly one of ReplicationGroupId and CacheClusterId must be given."
        )
    if name is not None:
        group = state.groups.find(name)
        if not group.cluster_mode:
            raise invalid_combination(
                f"{group.id} has cluster mode disabled: its snapshots are taken of a cache cluster."
            )
        return group, None
    for group in state.groups.values():
        if group.nodes and member in [each.name for each in group.nodes.members]:
            if group.cluster_mode:
                raise invalid_combination(
                    f"{group.id} has cluster mode enabled: its snapshots are of the whole group."
                )
            return group, member
    raise cluster_not_found(member or "")
