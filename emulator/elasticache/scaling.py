"""More or fewer replicas, more shards, and a failover on request."""

from typing import Any

from emulator.elasticache import group_rules
from emulator.elasticache.errors import NotRehearsedError, invalid_combination, invalid_value
from emulator.elasticache.state import ReplicationGroup, State
from emulator.elasticache.views import replication_group
from emulator.elasticache.wire import Params


def increase(state: State, params: Params) -> dict[str, Any]:
    """IncreaseReplicaCount."""
    group, wanted = _read(state, params)
    if wanted is None or wanted <= group.replicas:
        raise invalid_value("The new replica count must be greater than the current one.")
    if wanted > group_rules.MOST_REPLICAS:
        raise invalid_value("The number of replicas per node group must be between 0 and 5.")
    nodes, missing = group.running, wanted - group.replicas

    def work() -> None:
        for shard in nodes.shards:
            for _ in range(missing):
                nodes.add_replica(shard.number)

    return _run(state, group, wanted, work)


def decrease(state: State, params: Params) -> dict[str, Any]:
    """DecreaseReplicaCount, to a number."""
    group, wanted = _read(state, params)
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

    return _run(state, group, wanted, work)


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


def _read(state: State, params: Params) -> tuple[ReplicationGroup, int | None]:
    group = state.available(params["ReplicationGroupId"], "modify")
    if params.get("ReplicaConfiguration"):
        raise NotRehearsedError("a number of replicas of its own for each shard")
    if params.get("ApplyImmediately") is not True:
        raise invalid_value("ApplyImmediately must be true: replicas change at once.")
    return group, params.get("NewReplicaCount")


def _run(state: State, group: ReplicationGroup, wanted: int, work: Any) -> dict[str, Any]:
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
