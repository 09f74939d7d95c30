"""More shards: new ones are made, and a part of every old one's slots moves there online."""

from typing import Any

from emulator.elasticache import reading
from emulator.elasticache.errors import NotRehearsedError, invalid_combination, invalid_value
from emulator.elasticache.jobs import Jobs
from emulator.elasticache.state import ReplicationGroup, State
from emulator.elasticache.views import replication_group
from emulator.elasticache.wire import Params


def modify(state: State, jobs: Jobs, params: Params) -> dict[str, Any]:
    """ModifyReplicationGroupShardConfiguration: each new shard has as many nodes as the others."""
    group = state.available(reading.required(params, "ReplicationGroupId"), "modify")
    if reading.flag(params, "ApplyImmediately") is not True:
        raise invalid_value("ApplyImmediately must be true: shards change at once.")
    if not group.cluster_mode:
        raise invalid_value(
            f"Replication group {group.id} is not cluster mode enabled: its shards cannot change."
        )
    nodes, shards = group.running, _more(group, params)

    def done() -> None:
        group.shards = shards

    jobs.run(group, "modifying", "modifying", lambda: nodes.add_shards(shards), done)
    return {"ReplicationGroup": replication_group(group)}


def _more(group: ReplicationGroup, params: Params) -> int:
    wanted = reading.number(params, "NodeGroupCount")
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
