"""The snapshot: whether the group can be made from it, and how it outlives the group."""

from collections.abc import Mapping
from typing import Any

from tools.restore.errors import CannotRestore


def find(elasticache: Any, name: str) -> dict[str, Any]:
    """The snapshot as it is described. Raises CannotRestore if there is none of this name."""
    try:
        answer = elasticache.describe_snapshots(SnapshotName=name)
    except elasticache.exceptions.SnapshotNotFoundFault:
        answer = {"Snapshots": []}
    for found in answer["Snapshots"]:
        described: dict[str, Any] = found
        return described
    raise CannotRestore(
        f"restore: there is no snapshot {name}. Those that are there: "
        "aws elasticache describe-snapshots --query 'Snapshots[].SnapshotName'"
    )


def check(snapshot: Mapping[str, Any], group: Mapping[str, Any]) -> None:
    """Raise CannotRestore for what ElastiCache would refuse when the old group is gone already."""
    name, group_id = snapshot["SnapshotName"], group["ReplicationGroupId"]
    if snapshot["SnapshotStatus"] != "available":
        raise CannotRestore(
            f"restore: {name} is {snapshot['SnapshotStatus']}. Wait until it is available, or "
            "choose another."
        )
    if snapshot["ReplicationGroupId"] != group_id:
        raise CannotRestore(
            f"restore: {name} is a snapshot of {snapshot['ReplicationGroupId']}, not of "
            f"{group_id}: its keys and sentinels are another's. Choose one of this group."
        )
    there, wanted = snapshot["EngineVersion"], str(group["EngineVersion"])
    if snapshot["Engine"] == group["Engine"] and _number(there) > _number(wanted):
        raise CannotRestore(
            f"restore: {name} was taken on {there}, and {wanted} is deployed. ElastiCache restores "
            "into the same version or a newer one: deploy that first, or choose an older snapshot."
        )
    shards = int(group.get("NumNodeGroups", 1))
    if int(snapshot.get("NumNodeGroups", 1)) != shards:
        raise CannotRestore(
            f"restore: {name} has {snapshot['NumNodeGroups']} shards, the deployed group {shards}. "
            "Deploy as many as it has first, or choose another."
        )


def kept(elasticache: Any, snapshot: Mapping[str, Any], name: str, key: str) -> dict[str, Any]:
    """The snapshot, or a manual copy of it: automatic ones are deleted with their group."""
    if snapshot["SnapshotSource"] == "manual":
        return dict(snapshot)
    answer = elasticache.copy_snapshot(
        SourceSnapshotName=snapshot["SnapshotName"], TargetSnapshotName=name, KmsKeyId=key
    )
    copy: dict[str, Any] = answer["Snapshot"]
    return copy


def _number(version: str) -> tuple[int, ...]:
    """Major and minor: 6.2 is deployed, and 6.2.6 runs."""
    return tuple(int(part) for part in version.split(".")[:2])
