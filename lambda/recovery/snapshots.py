"""The automatic snapshots of the group."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from recovery.errors import NoSnapshotError
from shared.aws_calls import ask


@dataclass(frozen=True)
class Snapshot:
    """One that can be restored; ``created`` is when its oldest shard was saved."""

    name: str
    created: datetime
    node_type: str
    shards: int
    tiered: bool


def find_newest(elasticache: Any, group_id: str) -> Snapshot | None:
    """The newest automatic snapshot that is complete, or None. Raises what ``ask`` raises."""
    pages = elasticache.get_paginator("describe_snapshots").paginate(
        ReplicationGroupId=group_id, SnapshotSource="system"
    )
    listed = ask(lambda: [each for page in pages for each in page["Snapshots"]], "list snapshots")
    found = [_read(each) for each in listed if each["SnapshotStatus"] == "available"]
    return max(found, key=lambda each: each.created, default=None)


def newest(elasticache: Any, group_id: str) -> Snapshot:
    """The same. Raises NoSnapshotError if there is none."""
    found = find_newest(elasticache, group_id)
    if found is None:
        raise NoSnapshotError(f"{group_id} has no automatic snapshot that is complete")
    return found


def _read(described: dict[str, Any]) -> Snapshot:
    return Snapshot(
        name=described["SnapshotName"],
        created=min(node["SnapshotCreateTime"] for node in described["NodeSnapshots"]),
        node_type=described["CacheNodeType"],
        shards=len(described["NodeSnapshots"]),
        tiered=described.get("DataTiering") == "enabled",
    )
