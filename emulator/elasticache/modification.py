"""Changes of a replication group: its settings, more or fewer replicas, more shards, a failover."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from emulator import engines
from emulator.elasticache import group_rules, users
from emulator.elasticache.errors import NotRehearsedError, invalid_combination, invalid_value
from emulator.elasticache.lifecycle import check_runs_here, read_logs
from emulator.elasticache.state import ReplicationGroup, State
from emulator.elasticache.versions import find_node_type, find_version
from emulator.elasticache.views import replication_group
from emulator.elasticache.wire import Params

NOT_REHEARSED = (
    "RemoveUserGroups",
    "PrimaryClusterId",
    "AuthToken",
    "TransitEncryptionEnabled",
    "TransitEncryptionMode",
    "ClusterMode",
    "Durability",
)
USER_GROUPS = ("UserGroupIdsToAdd", "UserGroupIdsToRemove")
# Without ApplyImmediately AWS does these in the maintenance window.
DEFERRED = (
    "AutomaticFailoverEnabled",
    "CacheNodeType",
    "CacheParameterGroupName",
    "Engine",
    "EngineVersion",
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
}
# The service shows these as soon as it has accepted them, and the others when the nodes have them.
WITH_THE_NODES = ("version", "node_type", "parameter_group", "automatic_failover")
AT_ONCE = {*PLAIN.values(), "topic_active", "logs"} - {*WITH_THE_NODES}

Step = Callable[[], object]


def modify(state: State, params: Params) -> dict[str, Any]:
    """ModifyReplicationGroup."""
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
    _adopt(group, changed, AT_ONCE)

    def work() -> None:
        for step in steps:
            step()

    def done() -> None:
        group.pending.clear()
        _adopt(group, changed, WITH_THE_NODES)

    state.jobs.run(group, "modifying", work, done)
    return {"ReplicationGroup": replication_group(group)}


def _check_rehearsed(group: ReplicationGroup, params: Params) -> None:
    if params.get("AuthToken") and group.user_group is not None:
        raise invalid_combination(
            "Auth tokens can't be enabled with a user group already associated. Pass "
            "RemoveUserGroups to proceed."
        )
    for name in NOT_REHEARSED:
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
    given = {name: params[key] for key, name in PLAIN.items() if params.get(key) is not None}
    changed = replace(group, **given)
    if status := params.get("NotificationTopicStatus"):
        changed.topic_active = status == "active"
    elif changed.topic != group.topic:
        changed.topic_active = True
    if "CacheNodeType" in params:
        changed.node_type = find_node_type(params["CacheNodeType"])
    _change_engine(state, group, changed, params)
    changed.logs = read_logs(group.logs, params.get("LogDeliveryConfigurations") or [])
    return changed


def _change_engine(
    state: State, group: ReplicationGroup, changed: ReplicationGroup, params: Params
) -> None:
    engine = params.get("Engine") or group.version.engine
    wanted = params.get("EngineVersion")
    if wanted is None and engine == group.version.engine:
        wanted = group.version.text
    changed.version = find_version(engine, wanted)
    group_rules.check_upgrade(group.version, changed.version)
    name = params.get("CacheParameterGroupName")
    if name is not None:
        changed.parameter_group = state.parameter_groups.find(name)
    elif changed.version.family != group.version.family and group.parameter_group.is_default:
        suffix = ".cluster.on" if group.cluster_mode else ""
        name = f"default.{changed.version.family}{suffix}"
        changed.parameter_group = state.parameter_groups.find(name)
    if changed.parameter_group.cluster_mode != group.cluster_mode:
        raise invalid_combination(
            "The parameter group's cluster-enabled differs from the replication group's."
        )
    check_runs_here(changed.version)


def _user_group(state: State, group: ReplicationGroup, params: Params) -> str | None:
    added, removed = (
        [users.active_group(state, str(name)).id for name in params.get(key) or []]
        for key in USER_GROUPS
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


def _adopt(group: ReplicationGroup, changed: ReplicationGroup, names: Iterable[str]) -> None:
    vars(group).update({name: getattr(changed, name) for name in names})


def increase(state: State, params: Params) -> dict[str, Any]:
    """IncreaseReplicaCount."""
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

    return _scale(state, group, wanted, work)


def decrease(state: State, params: Params) -> dict[str, Any]:
    """DecreaseReplicaCount, to a number."""
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

    return _scale(state, group, wanted, work)


def test_failover(state: State, params: Params) -> dict[str, Any]:
    """TestFailover of one node group."""
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
    state.jobs.run(group, "modifying", lambda: group.running.fail_over(number))
    return {"ReplicationGroup": replication_group(group)}


def _replica_count(state: State, params: Params) -> tuple[ReplicationGroup, int | None]:
    group = state.available(params["ReplicationGroupId"], "modify")
    if params.get("ReplicaConfiguration"):
        raise NotRehearsedError("a number of replicas of its own for each shard")
    if params.get("ApplyImmediately") is not True:
        raise invalid_value("ApplyImmediately must be true: replicas change at once.")
    return group, params.get("NewReplicaCount")


def _scale(state: State, group: ReplicationGroup, wanted: int, work: Any) -> dict[str, Any]:
    def done() -> None:
        group.replicas = wanted

    state.jobs.run(group, "modifying", work, done)
    return {"ReplicationGroup": replication_group(group)}


def reshard(state: State, params: Params) -> dict[str, Any]:
    """ModifyReplicationGroupShardConfiguration: each new shard has as many nodes as the others."""
    group = state.available(params["ReplicationGroupId"], "modify")
    if not group.cluster_mode:
        raise invalid_value(
            f"Replication group {group.id} is not cluster mode enabled: its shards cannot change."
        )
    nodes, shards = group.running, _more_shards(group, params)

    def done() -> None:
        group.shards = shards

    state.jobs.run(group, "modifying", lambda: nodes.add_shards(shards), done)
    return {"ReplicationGroup": replication_group(group)}


def _more_shards(group: ReplicationGroup, params: Params) -> int:
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
    return wanted
