"""Snapshots as ElastiCache describes them, and whose they are.

Without cluster mode a snapshot is of one member: it has CacheClusterId and no ReplicationGroupId.
In cluster mode it is of the group, and the other way round. Source: ElastiCache user guide, "Taking
manual backups", and samples of botocore and of the AWS CLI reference. Whether DescribeSnapshots
finds the former by ReplicationGroupId is written nowhere, and a member may be gone, or its group:
so every snapshot is listed, and members are recognised by their names.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from shared.aws_calls import every

Described = Mapping[str, Any]

_MINUTE = re.compile(r"automatic\..*-(\d{4}-\d{2}-\d{2}-\d{2}-\d{2})")


def listed(
    elasticache: Any, group_id: str, *, cluster_mode: bool, source: str
) -> list[dict[str, Any]]:
    """The group's snapshots; ``source`` is "system" or "user". Raises what ``ask`` raises."""
    snapshots = every(elasticache.describe_snapshots, "Snapshots", SnapshotSource=source)
    return [each for each in snapshots if is_of(each, group_id, cluster_mode=cluster_mode)]


def is_of(snapshot: Described, group_id: str, *, cluster_mode: bool) -> bool:
    """Whether it was taken of the group, or of a node that is or was a member of it.

    Members are named <group>-001, in cluster mode <group>-0001-001: the name as a whole is
    compared, since another group may be called <group>-staging.
    """
    if source := snapshot.get("ReplicationGroupId"):
        return bool(source == group_id)
    # A group that is in cluster mode now may have been without it.
    shard = r"(-\d{4})?" if cluster_mode else ""
    member = str(snapshot.get("CacheClusterId", ""))
    return re.fullmatch(rf"{re.escape(group_id)}{shard}-\d{{3}}", member) is not None


def source_of(snapshot: Described) -> str:
    """The group or the member that it was taken of, for messages."""
    return str(snapshot.get("ReplicationGroupId") or snapshot.get("CacheClusterId") or "no group")


def taken(snapshot: Described) -> datetime | None:
    """When its oldest shard was saved; None if the answer does not say it.

    No sample of a complete snapshot in cluster mode shows the time: an automatic one has it in its
    name as well.
    """
    nodes = snapshot.get("NodeSnapshots", [])
    times: list[datetime] = [time for node in nodes if (time := node.get("SnapshotCreateTime"))]
    if nodes and len(times) == len(nodes):
        return min(times)
    named = _MINUTE.fullmatch(str(snapshot.get("SnapshotName", "")))
    return datetime.strptime(named[1], "%Y-%m-%d-%H-%M").replace(tzinfo=UTC) if named else None


def version_to_restore_on(snapshot: Described, engine: str, version: str) -> str:
    """``version`` of ``engine``, or the snapshot's where AWS has raised it within the family.

    Maintenance raises a version by itself (AutoMinorVersionUpgrade), and a snapshot restores into
    its own version or a newer one. A parameter group's family is a major version, from 6 on.
    """
    there = ".".join(str(snapshot["EngineVersion"]).split(".")[:2])
    numbers, wanted = (tuple(map(int, each.split(".")[:2])) for each in (there, version))
    raised = snapshot["Engine"] == engine and numbers[0] == wanted[0] and numbers > wanted
    return there if raised else version
