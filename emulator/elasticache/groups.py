"""Replication groups: how they come up from parameters or a snapshot, change, and are deleted."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from emulator import engines
from emulator.elasticache import group_rules, snapshots, users, wire
from emulator.elasticache.describing import replication_group
from emulator.elasticache.state import ReplicationGroup, Snapshot, State
from emulator.elasticache.versions import Version, find_node_type, find_version
from emulator.elasticache.wire import (
    AwsError,
    NotRehearsedError,
    Params,
    group_state,
    invalid_combination,
    invalid_value,
)
from emulator.nodes.group import RECOVERED, RECOVERING, Group
from emulator.nodes.spec import GroupSpec

DEFAULT_ZONES = ["a", "b", "c"]
DELETABLE = ("available", "create-failed")
NOT_CREATED = (
    *("GlobalReplicationGroupId", "PrimaryClusterId", "SnapshotArns", "NodeGroupConfiguration"),
    *("ServerlessCacheSnapshotName", "TransitEncryptionMode"),
)
NOT_MODIFIED = (
    *("RemoveUserGroups", "PrimaryClusterId", "AuthToken", "TransitEncryptionEnabled"),
    *("TransitEncryptionMode", "ClusterMode", "Durability"),
)
# Without ApplyImmediately AWS does these in the maintenance window.
DEFERRED = (
    *("AutomaticFailoverEnabled", "CacheNodeType", "CacheParameterGroupName"),
    *("Engine", "EngineVersion"),
)
# Parameters that are settings as they are.
PLAIN = {
    "ReplicationGroupDescription": "description",
    "PreferredMaintenanceWindow": "maintenance_window",
    "SnapshotWindow": "snapshot_window",
    "SnapshotRetentionLimit": "retention",
    "NotificationTopicArn": "topic",
    "AutomaticFailoverEnabled": "automatic_failover",
    "MultiAZEnabled": "multi_az",
    "AutoMinorVersionUpgrade": "auto_minor",
    "SecurityGroupIds": "security_groups",
    "Port": "port",
    "TransitEncryptionEnabled": "tls",
    "AtRestEncryptionEnabled": "at_rest",
    "KmsKeyId": "kms_key",
    "Durability": "durability",
}
# The service shows these when the nodes have them, and the others as soon as it has accepted them.
WITH_THE_NODES = ("version", "node_type", "parameter_group", "automatic_failover")
AT_ONCE = {*PLAIN.values(), "topic_active", "logs"} - {*WITH_THE_NODES}

Step = Callable[[], object]


def create_replication_group(state: State, params: Params) -> dict[str, Any]:
    """Begin a group whose settings AWS would accept as a whole."""
    for unknown in NOT_CREATED:
        if params.get(unknown):
            raise NotRehearsedError(f"CreateReplicationGroup with {unknown}")
    if len(params.get("UserGroupIds") or []) > 1:
        raise NotRehearsedError("several user groups of a replication group")
    group_id = state.groups.new_id(params["ReplicationGroupId"])
    name = params.get("SnapshotName")
    snapshot = None if name is None else state.snapshots.find(name)
    group = _read(state, params, group_id, snapshot)
    if group.user_group is not None:
        users.active_group(state, group.user_group)
    group_rules.check(group)
    if snapshot is not None:
        _check_snapshot(snapshot, group)
    _check_runs_here(group.version)
    state.groups[group_id] = group
    snapshots.settle_neighbour(state, group)
    work = partial(_start, state, group, snapshot)
    state.jobs.run(group, "creating", work, failed="create-failed")
    state.event("replication-group", group_id, f"Replication group {group_id} created")
    return {"ReplicationGroup": replication_group(group)}


def delete_replication_group(state: State, params: Params) -> dict[str, Any]:
    """Delete a group that is available, or whose creation failed."""
    group = state.groups.find(params["ReplicationGroupId"])
    if group.status not in DELETABLE:
        raise group_state(f"Replication group {group.id} has status {group.status}.")
    if params.get("RetainPrimaryCluster"):
        raise NotRehearsedError("keep the primary of a deleted replication group")
    final = params.get("FinalSnapshotIdentifier")
    snapshot = None
    if final is not None:
        name = state.snapshots.new_id(final)
        primary = None if group.cluster_mode else group.running.shards[0].primary.name
        snapshot = snapshots.begin(state, group, name, primary, wire.tags(params))

    def work() -> None:
        if snapshot is not None:
            snapshots.fill(state, group, snapshot)
        if group.nodes is not None:
            group.nodes.stop()

    state.jobs.run(group, "deleting", work, lambda: _forget(state, group))
    return {"ReplicationGroup": replication_group(group)}


def _plain(params: Params) -> dict[str, Any]:
    return {name: params[key] for key, name in PLAIN.items() if params.get(key) is not None}


def _read(
    state: State, params: Params, group_id: str, snapshot: Snapshot | None
) -> ReplicationGroup:
    source = snapshot.described if snapshot else {}
    engine = params.get("Engine") or (snapshot.version.engine if snapshot else "redis")
    same = snapshot.version.short if snapshot and snapshot.version.engine == engine else None
    version = find_version(engine, params.get("EngineVersion") or same)
    shards, replicas, several = _topology(params, snapshot)
    usual = _default_parameter_group(version, several)
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
        created=state.clock(),
        version=version,
        node_type=find_node_type(node_type),
        parameter_group=parameter_group,
        subnet_group=subnet_group.lower(),
        zones=_zones(state, params, subnet_group),
        shards=shards,
        replicas=replicas,
        cluster_mode=parameter_group.cluster_mode,
        token=token,
        user_group=next((str(name).lower() for name in params.get("UserGroupIds") or []), None),
        tags=wire.tags(params),
        logs=_logs({}, params),
        **_plain(params),
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


def _default_parameter_group(version: Version, cluster_mode: bool) -> str:
    return f"default.{version.family}{'.cluster.on' if cluster_mode else ''}"


def _zones(state: State, params: Params, subnet_group: str) -> list[str]:
    chosen = params.get("PreferredCacheClusterAZs")
    if chosen:
        return [str(zone) for zone in chosen]
    if subnet_group == "default" and "default" not in state.subnet_groups:
        return [f"{state.region}{letter}" for letter in DEFAULT_ZONES]
    subnets = state.subnet_groups.find(subnet_group).shown["Subnets"]
    return sorted({subnet["SubnetAvailabilityZone"]["Name"] for subnet in subnets})


def _check_runs_here(version: Version) -> None:
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
    old, new = snapshot.version, group.version
    if new < old:
        raise invalid_combination(
            f"The engine version {new.engine} {new.text} is older than the version of the "
            f"snapshot, {old.engine} {old.text}."
        )
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
        nodes = Group(spec, state.context, partial(_report, state, group))
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
    for snapshot in snapshots.automatic_of(state, group):
        snapshots.remove(state, snapshot)
    shutil.rmtree(state.context.folder / group.id, ignore_errors=True)
    state.event("replication-group", group.id, f"Replication group {group.id} deleted")
    state.announce(group, "DeleteCacheClusterComplete")


def _logs(before: dict[str, dict[str, Any]], params: Params) -> dict[str, dict[str, Any]]:
    """The log deliveries after these requests. Raises InvalidParameterCombination."""
    logs = dict(before)
    for request in params.get("LogDeliveryConfigurations") or []:
        if request.get("Enabled") is False:
            logs.pop(request["LogType"], None)
        else:
            shown = ("LogType", "DestinationType", "DestinationDetails", "LogFormat")
            logs[request["LogType"]] = {key: request[key] for key in shown} | {"Status": "active"}
    targets = [str(entry["DestinationDetails"]) for entry in logs.values()]
    if len(set(targets)) < len(targets):
        raise invalid_combination("slow-log and engine-log cannot go to the same destination.")
    return logs


# --- changes ------------------------------------------------------------------------------------


def modify_replication_group(state: State, params: Params) -> dict[str, Any]:
    """Change the settings of a group, and its user group."""
    group = state.available(params["ReplicationGroupId"], "modify")
    _check_rehearsed(group, params)
    changed = _changed(state, group, params)
    group_rules.check(changed)
    before = group.user_group
    after = _user_group(state, group, params)
    steps = _steps(state, group, changed)
    if after != before:
        group.user_group = after
        group.pending |= {
            "UserGroupIdsToRemove": [*filter(None, [before])],
            "UserGroupIdsToAdd": [after],
        }
        group.token = None
        ended = {user.name for user in group.running.spec.users}
        steps.append(lambda: users.give_users(state, group, ended))
    vars(group).update({name: getattr(changed, name) for name in AT_ONCE})

    def work() -> None:
        for step in steps:
            step()

    def done() -> None:
        group.pending.clear()
        vars(group).update({name: getattr(changed, name) for name in WITH_THE_NODES})

    return _modifying(state, group, work, done)


def _modifying(
    state: State,
    group: ReplicationGroup,
    work: Callable[[], None],
    done: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    state.jobs.run(group, "modifying", work, done)
    return {"ReplicationGroup": replication_group(group)}


def _check_rehearsed(group: ReplicationGroup, params: Params) -> None:
    if params.get("AuthToken") and group.user_group is not None:
        raise invalid_combination(
            "Auth tokens can't be enabled with a user group already associated. Pass "
            "RemoveUserGroups to proceed."
        )
    for name in NOT_MODIFIED:
        if params.get(name):
            raise NotRehearsedError(f"ModifyReplicationGroup with {name}")
    if not params.get("ApplyImmediately") and any(name in params for name in DEFERRED):
        raise NotRehearsedError("wait for the maintenance window")
    if params.get("AutomaticFailoverEnabled") is False and group.cluster_mode:
        raise invalid_combination(
            "Turning off automatic failover for replication group with cluster mode enabled is "
            "not supported."
        )


def _changed(state: State, group: ReplicationGroup, params: Params) -> ReplicationGroup:
    given = {name: value for name, value in params.items() if name not in NOT_MODIFIED}
    changed = replace(group, **_plain(given), logs=_logs(group.logs, params))
    if status := params.get("NotificationTopicStatus"):
        changed.topic_active = status == "active"
    elif changed.topic != group.topic:
        changed.topic_active = True
    if "CacheNodeType" in params:
        changed.node_type = find_node_type(params["CacheNodeType"])
    engine = params.get("Engine") or group.version.engine
    same = group.version.text if engine == group.version.engine else None
    changed.version = find_version(engine, params.get("EngineVersion") or same)
    if changed.version < group.version:
        raise invalid_combination(
            f"The requested cache cluster version {changed.version.text} is older than the current "
            f"version {group.version.text}: an engine cannot be downgraded."
        )
    name = params.get("CacheParameterGroupName")
    if (
        name is None
        and changed.version.family != group.version.family
        and group.parameter_group.is_default
    ):
        name = _default_parameter_group(changed.version, group.cluster_mode)
    if name is not None:
        changed.parameter_group = state.parameter_groups.find(name)
    if changed.parameter_group.cluster_mode != group.cluster_mode:
        raise invalid_combination(
            "The parameter group's cluster-enabled differs from the replication group's."
        )
    _check_runs_here(changed.version)
    return changed


def _user_group(state: State, group: ReplicationGroup, params: Params) -> str | None:
    added, removed = (
        [users.active_group(state, str(name)).id for name in params.get(key) or []]
        for key in ("UserGroupIdsToAdd", "UserGroupIdsToRemove")
    )
    strategy = params.get("AuthTokenUpdateStrategy")
    if strategy not in (None, "DELETE"):
        raise NotRehearsedError(f"AuthTokenUpdateStrategy {strategy}")
    if added and group.token is not None and strategy is None:
        raise invalid_combination(
            "User group can't be associated with auth token enabled. Pass AuthStrategy delete to "
            "proceed."
        )
    if strategy and not added:  # crossplane-contrib/provider-upjet-aws issue 1370
        raise invalid_combination("Auth token can only be deleted with a user group to add.")
    if not added and not removed:
        return group.user_group
    if len(added) != 1 or removed != [*filter(None, [group.user_group])]:
        raise NotRehearsedError("anything but another user group in the place of the one")
    return added[0]


def _steps(state: State, group: ReplicationGroup, changed: ReplicationGroup) -> list[Step]:
    nodes = group.running
    steps: list[Step] = []
    values = changed.parameter_group.effective()
    server = changed.version
    if server != group.version:
        steps.append(lambda: nodes.upgrade(engines.obtain(server.engine, server.short), values))
    if changed.node_type != group.node_type or changed.parameter_group != group.parameter_group:
        size = state.node_bytes(changed.node_type)
        steps.append(lambda: nodes.configure(values, size))
    if changed.automatic_failover != group.automatic_failover:
        steps.append(lambda: nodes.set_automatic_failover(changed.automatic_failover))
    return steps


def increase_replica_count(state: State, params: Params) -> dict[str, Any]:
    """Add replicas to each shard, up to a number."""
    group, wanted = _replica_count(state, params)
    if wanted is None or wanted <= group.replicas:
        raise invalid_value("The new replica count must be greater than the current one.")
    if wanted > group_rules.MOST_REPLICAS:
        raise invalid_value("The number of replicas per node group must be between 0 and 5.")
    nodes, missing = group.running, wanted - group.replicas

    def work() -> None:
        for shard in nodes.shards:
            for _ in range(missing):
                nodes.add_replica(shard.number)

    return _modifying(state, group, work, lambda: setattr(group, "replicas", wanted))


def decrease_replica_count(state: State, params: Params) -> dict[str, Any]:
    """Remove replicas from each shard, down to a number."""
    group, wanted = _replica_count(state, params)
    if wanted is None:
        raise NotRehearsedError("replicas removed by name")
    if not 0 <= wanted < group.replicas:
        raise invalid_value("The new replica count must be less than the current one.")
    if wanted == 0 and group.automatic_failover and not group.cluster_mode:
        raise invalid_value(
            "Must have at least 1 replica when cluster mode is disabled with auto failover enabled."
        )
    if wanted == 0 and group.multi_az:
        raise invalid_combination("Multi-AZ requires at least one replica in each node group.")
    count = group.replicas - wanted
    leaving = [node.name for shard in group.running.shards for node in shard.replicas[-count:]]

    def work() -> None:
        for name in leaving:
            group.running.remove_replica(name)

    return _modifying(state, group, work, lambda: setattr(group, "replicas", wanted))


def _replica_count(state: State, params: Params) -> tuple[ReplicationGroup, int | None]:
    group = state.available(params["ReplicationGroupId"], "modify")
    if params.get("ReplicaConfiguration"):
        raise NotRehearsedError("a number of replicas of its own for each shard")
    if params.get("ApplyImmediately") is not True:
        raise invalid_value("ApplyImmediately must be true: replicas change at once.")
    return group, params.get("NewReplicaCount")


def test_failover(state: State, params: Params) -> dict[str, Any]:
    """Promote a replica of one node group."""
    group = state.available(params["ReplicationGroupId"], "test failover")
    number = params["NodeGroupId"]
    if not group.automatic_failover:
        raise invalid_combination(
            "Test Failover requires automatic failover to be enabled for the replication group."
        )
    if not group.replicas:
        raise invalid_combination("Test Failover requires a replica in the node group.")
    message = f"Test Failover API called for node group {number}"
    state.event("replication-group", group.id, message)
    return _modifying(state, group, lambda: group.running.fail_over(number))


def modify_replication_group_shard_configuration(state: State, params: Params) -> dict[str, Any]:
    """Add shards; each new one has as many nodes as the others."""
    group = state.available(params["ReplicationGroupId"], "modify")
    if not group.cluster_mode:
        raise invalid_value(
            f"Replication group {group.id} is not cluster mode enabled: its shards cannot change."
        )
    wanted: int | None = params.get("NodeGroupCount")
    if wanted is None or wanted < 1:
        raise invalid_value("NodeGroupCount must be a number of node groups.")
    named = params.get("NodeGroupsToRemove") or params.get("NodeGroupsToRetain")
    if wanted < group.shards and not named:
        raise invalid_combination(
            "NodeGroupsToRemove or NodeGroupsToRetain must be given for fewer node groups."
        )
    if wanted <= group.shards:
        raise NotRehearsedError("fewer shards, or slots that are spread again over as many")
    if params.get("ReshardingConfiguration"):
        raise NotRehearsedError("zones for new shards")
    nodes, shards = group.running, wanted
    work = partial(nodes.add_shards, shards)
    return _modifying(state, group, work, lambda: setattr(group, "shards", shards))
