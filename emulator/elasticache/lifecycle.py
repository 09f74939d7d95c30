"""CreateReplicationGroup, from parameters or a snapshot to running nodes, and their deletion."""

import shutil
from functools import partial
from typing import Any

from emulator import engines
from emulator.elasticache import group_rules, snapshots, users, wire
from emulator.elasticache.errors import (
    AwsError,
    NotRehearsedError,
    group_state,
    invalid_combination,
    invalid_value,
)
from emulator.elasticache.state import ReplicationGroup, Snapshot, State
from emulator.elasticache.versions import Version, find_node_type, find_version
from emulator.elasticache.views import replication_group
from emulator.elasticache.wire import Params
from emulator.nodes.group import RECOVERED, RECOVERING, Group
from emulator.nodes.spec import GroupSpec

DEFAULT_PORT = 6379
DEFAULT_ZONES = ["a", "b", "c"]
DELETABLE = ("available", "create-failed")
NOT_REHEARSED = (
    "GlobalReplicationGroupId",
    "PrimaryClusterId",
    "SnapshotArns",
    "NodeGroupConfiguration",
    "ServerlessCacheSnapshotName",
    "TransitEncryptionMode",
)


def create(state: State, params: Params) -> dict[str, Any]:
    """CreateReplicationGroup."""
    for unknown in NOT_REHEARSED:
        if params.get(unknown):
            raise NotRehearsedError(f"CreateReplicationGroup with {unknown}")
    if len(params.get("UserGroupIds") or []) > 1:
        raise NotRehearsedError("several user groups of a replication group")
    group_id = group_rules.check_id(params["ReplicationGroupId"])
    if group_id in state.groups:
        raise AwsError(
            "ReplicationGroupAlreadyExists", f"Replication group {group_id} already exists."
        )
    name = params.get("SnapshotName")
    snapshot = None if name is None else state.snapshots.find(name)
    group = _read(state, params, group_id, snapshot)
    if group.user_group is not None:
        users.active_group(state, group.user_group)
    group_rules.check(group)
    if snapshot is not None:
        _check_snapshot(snapshot, group)
    check_runs_here(group.version)
    state.groups[group_id] = group
    snapshots.settle_neighbour(state, group)
    work = partial(_start, state, group, snapshot)
    state.jobs.run(group, "creating", work, failed="create-failed")
    state.event("replication-group", group_id, f"Replication group {group_id} created")
    return {"ReplicationGroup": replication_group(group)}


def delete(state: State, params: Params) -> dict[str, Any]:
    """DeleteReplicationGroup. A group whose creation failed can be deleted too."""
    group = state.groups.find(params["ReplicationGroupId"])
    if group.status not in DELETABLE:
        raise group_state(f"Replication group {group.id} has status {group.status}.")
    if params.get("RetainPrimaryCluster"):
        raise NotRehearsedError("keep the primary of a deleted replication group")
    final = params.get("FinalSnapshotIdentifier")
    snapshot = None
    if final is not None:
        primary = None if group.cluster_mode else group.running.shards[0].primary.name
        snapshot = snapshots.begin(state, group, final, primary, wire.tags(params))

    def work() -> None:
        if snapshot is not None:
            snapshots.fill(state, group, snapshot)
        if group.nodes is not None:
            group.nodes.stop()

    state.jobs.run(group, "deleting", work, lambda: _forget(state, group))
    return {"ReplicationGroup": replication_group(group)}


def _read(
    state: State, params: Params, group_id: str, snapshot: Snapshot | None
) -> ReplicationGroup:
    source = snapshot.described if snapshot else {}
    engine = params.get("Engine") or (snapshot.version.engine if snapshot else "redis")
    same = snapshot.version.short if snapshot and snapshot.version.engine == engine else None
    version = find_version(engine, params.get("EngineVersion") or same)
    shards, replicas, several = _topology(params, snapshot)
    usual = f"default.{version.family}{'.cluster.on' if several else ''}"
    parameter_group = state.parameter_groups.find(params.get("CacheParameterGroupName") or usual)
    node_type = params.get("CacheNodeType") or source.get("CacheNodeType")
    if node_type is None:
        raise invalid_value("CacheNodeType must be specified.")
    token = params.get("AuthToken")
    if token is not None:
        group_rules.check_token(token)
    subnet_group = params.get("CacheSubnetGroupName") or "default"
    return ReplicationGroup(
        id=group_id,
        arn=state.arn("replicationgroup", group_id),
        description=params["ReplicationGroupDescription"],
        created=state.clock(),
        version=version,
        node_type=find_node_type(node_type),
        parameter_group=parameter_group,
        subnet_group=subnet_group.lower(),
        zones=_zones(state, params, subnet_group),
        security_groups=params.get("SecurityGroupIds") or [],
        maintenance_window=params.get("PreferredMaintenanceWindow") or "sun:05:00-sun:06:00",
        snapshot_window=params.get("SnapshotWindow") or "08:00-09:00",
        retention=params.get("SnapshotRetentionLimit") or 0,
        port=params.get("Port") or DEFAULT_PORT,
        shards=shards,
        replicas=replicas,
        cluster_mode=parameter_group.cluster_mode,
        automatic_failover=params.get("AutomaticFailoverEnabled") or False,
        multi_az=params.get("MultiAZEnabled") or False,
        tls=params.get("TransitEncryptionEnabled") or False,
        at_rest=params.get("AtRestEncryptionEnabled") or False,
        kms_key=params.get("KmsKeyId"),
        topic=params.get("NotificationTopicArn"),
        topic_active=True,
        auto_minor=params.get("AutoMinorVersionUpgrade", True),
        token=token,
        user_group=next((str(name).lower() for name in params.get("UserGroupIds") or []), None),
        tags=wire.tags(params),
        durability=params.get("Durability"),
        logs=read_logs({}, params.get("LogDeliveryConfigurations") or []),
    )


def _topology(params: Params, snapshot: Snapshot | None) -> tuple[int, int, bool]:
    shards = params.get("NumNodeGroups")
    replicas = params.get("ReplicasPerNodeGroup")
    clusters = params.get("NumCacheClusters")
    if clusters is not None and (replicas is not None or (shards or 1) > 1):
        raise invalid_combination(
            "NumCacheClusters cannot be combined with NumNodeGroups or ReplicasPerNodeGroup."
        )
    if clusters is not None:
        if not 1 <= clusters <= group_rules.MOST_REPLICAS + 1:
            raise invalid_value("NumCacheClusters must be between 1 and 6.")
        return 1, clusters - 1, False
    several = bool(snapshot and not snapshot.member)
    count = shards or (len(snapshot.members) if snapshot else 1)
    return count, replicas or 0, several or count > 1


def _zones(state: State, params: Params, subnet_group: str) -> list[str]:
    chosen = params.get("PreferredCacheClusterAZs")
    if chosen:
        return [str(zone) for zone in chosen]
    if subnet_group == "default" and "default" not in state.subnet_groups:
        return [f"{state.region}{letter}" for letter in DEFAULT_ZONES]
    subnets = state.subnet_groups.find(subnet_group).subnets
    return sorted({subnet.zone for subnet in subnets})


def check_runs_here(version: Version) -> None:
    """Raises NotRehearsedError for an engine of which no server is to be had here."""
    if not engines.is_available(version.engine, version.short):
        choice = ", ".join(f"{name} {number}" for name, number in engines.PROGRAMS)
        raise NotRehearsedError(
            f"run {version.engine} {version.short}, of which no server is to be had here and in "
            f"whose place no other is run: choose one of {choice}"
        )


def _check_snapshot(snapshot: Snapshot, group: ReplicationGroup) -> None:
    if snapshot.status != "available":
        raise AwsError(
            "InvalidSnapshotState", f"Snapshot {snapshot.name} is not in the available state."
        )
    group_rules.check_restore(snapshot.version, group.version)
    if len(snapshot.files) != group.shards or bool(snapshot.member) == group.cluster_mode:
        raise NotRehearsedError("restore a snapshot into another number of shards")


def _start(state: State, group: ReplicationGroup, snapshot: Snapshot | None) -> None:
    spec = GroupSpec(
        name=group.id,
        engine=engines.obtain(group.version.engine, group.version.short),
        shards=group.shards,
        replicas=group.replicas,
        cluster=group.cluster_mode,
        port=group.port,
        tls=group.tls,
        users=state.logins(group),
        node_bytes=state.node_bytes(group.node_type),
        parameters=group.parameter_group.effective(),
        automatic_failover=group.automatic_failover,
        restore=tuple(snapshot.files) if snapshot else (),
        slots=snapshot.slots if snapshot else (),
    )
    if snapshot is not None:
        snapshot.status = "restoring"
    try:
        nodes = Group(spec, state.context, lambda member, text: _report(state, group, member, text))
    finally:
        if snapshot is not None:
            snapshot.status = "available"
    with state.lock:
        group.nodes = nodes
    if nodes.spec.users != state.logins(group):
        users.give_users(state, group)
    state.announce(group, "CreateReplicationGroupComplete")


def _report(state: State, group: ReplicationGroup, member: str, message: str) -> None:
    state.event("cache-cluster", member, message)
    if message.startswith("Failover"):
        state.event("replication-group", group.id, message)
        state.announce(group, "FailoverComplete")
    elif message == RECOVERING:
        state.announce(group, "CacheNodeReplaceStarted", member)
    elif message == RECOVERED:
        state.announce(group, "CacheNodeReplaceComplete", member)


def _forget(state: State, group: ReplicationGroup) -> None:
    del state.groups[group.id]
    for snapshot in list(state.snapshots.values()):
        if snapshots.automatic_of(snapshot, group):
            snapshots.remove(state, snapshot)
    shutil.rmtree(state.context.folder / group.id, ignore_errors=True)
    state.event("replication-group", group.id, f"Replication group {group.id} deleted")
    state.announce(group, "DeleteCacheClusterComplete")


def read_logs(
    before: dict[str, dict[str, Any]], requests: list[Params]
) -> dict[str, dict[str, Any]]:
    """The log deliveries after these requests. Raises InvalidParameterCombination."""
    logs = dict(before)
    for request in requests:
        if request.get("Enabled") is False:
            logs.pop(request["LogType"], None)
        else:
            shown = ("LogType", "DestinationType", "DestinationDetails", "LogFormat")
            logs[request["LogType"]] = {key: request[key] for key in shown} | {"Status": "active"}
    targets = [str(entry["DestinationDetails"]) for entry in logs.values()]
    if len(set(targets)) < len(targets):
        raise invalid_combination("slow-log and engine-log cannot go to the same destination.")
    return logs
