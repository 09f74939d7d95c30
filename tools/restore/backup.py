"""The snapshot: whether the group can be made from it, and how it outlives the group."""

from collections.abc import Mapping
from typing import Any

from environments.engines import Engine
from shared.snapshots import is_of, source_of, version_to_restore_on
from tools.command import Answer


def find(elasticache: Any, name: str) -> dict[str, Any]:
    """The snapshot as it is described. Raises Answer if there is none of this name."""
    try:
        answer = elasticache.describe_snapshots(SnapshotName=name)
    except elasticache.exceptions.SnapshotNotFoundFault:
        answer = {"Snapshots": []}
    for found in answer["Snapshots"]:
        described: dict[str, Any] = found
        return described
    raise Answer(
        f"restore: there is no snapshot {name}. Those that are there: "
        "aws elasticache describe-snapshots --query 'Snapshots[].SnapshotName'"
    )


def check(snapshot: Mapping[str, Any], group: Mapping[str, Any]) -> None:
    """Raise Answer for what ElastiCache would refuse when the old group is gone already.

    ``group`` is what the deployed template wants: it has a number of shards in cluster mode alone.
    """
    name, group_id = snapshot["SnapshotName"], group["ReplicationGroupId"]
    if snapshot["SnapshotStatus"] != "available":
        raise Answer(
            f"restore: {name} is {snapshot['SnapshotStatus']}. Wait until it is available, or "
            "choose another."
        )
    if not is_of(snapshot, group_id, cluster_mode="NumNodeGroups" in group):
        raise Answer(
            f"restore: {name} is a snapshot of {source_of(snapshot)}, not of {group_id}: its keys "
            "are another's. Choose one of this group."
        )
    there = Engine(snapshot["Engine"], _short(snapshot["EngineVersion"]), family="")
    wanted = Engine(group["Engine"], _short(engine_version(snapshot, group)), family="")
    if not there.may_become(wanted):
        raise Answer(
            f"restore: {name} was taken on {there.name}, and {wanted.name} is deployed. "
            "ElastiCache restores into the same version or a newer one, and the deployed parameter "
            "group is of one family. Choose an older snapshot, or deploy "
            f'engine = "{there.name}" first{_when_it_is_gone(name, group_id)}.'
        )
    shards = int(group.get("NumNodeGroups", 1))
    if int(snapshot.get("NumNodeGroups", 1)) != shards:
        raise Answer(
            f"restore: {name} has {snapshot.get('NumNodeGroups', 1)} shards, the deployed group "
            f"{shards}. Choose another, or deploy as many as it has first"
            f"{_when_it_is_gone(name, group_id)}."
        )


def engine_version(snapshot: Mapping[str, Any], group: Mapping[str, Any]) -> str:
    """The version to make the group on: the deployed one, or to what AWS has raised it since."""
    return version_to_restore_on(snapshot, group["Engine"], str(group["EngineVersion"]))


def durability(snapshot: Mapping[str, Any], group: Mapping[str, Any]) -> dict[str, Any]:
    """What a durable snapshot demands of a group for which the template leaves durability open.

    A restored group keeps the durability of its source, which somebody may have switched on
    (user guide, "Durability"): then it needs Multi-AZ and a replica for each shard.
    """
    if "Durability" in group or snapshot.get("Durability") not in ("sync", "async"):
        return {}
    replicas = max(1, int(group.get("ReplicasPerNodeGroup", 0)))
    return {
        "AutomaticFailoverEnabled": True,
        "MultiAZEnabled": True,
        "ReplicasPerNodeGroup": replicas,
    }


def _when_it_is_gone(name: str, group_id: str) -> str:
    """A deployment needs the group: it is made empty for it, and replaced afterwards."""
    return (
        ". Is the group gone, a deployment is refused: make it empty with SNAPSHOT=none, deploy, "
        f"then make restore SNAPSHOT={name} REPLACE={group_id}"
    )


def _short(version: object) -> str:
    """Major and minor: 6.2 is deployed, and 6.2.6 runs."""
    return ".".join(str(version).split(".")[:2])
