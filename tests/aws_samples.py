"""AWS's own samples of ElastiCache's answers: what every fake of this project answers is made of.

Source: examples-1.json beside botocore's service model. It has no complete snapshot of a group in
cluster mode: that one is the sample of CreateSnapshot, with the time that the model says. The name
of an automatic snapshot is the command line's sample of describe-snapshots.
"""

from datetime import UTC, datetime
from typing import Any

import botocore.session
from botocore.model import ListShape, Shape, StructureShape

_SESSION = botocore.session.Session()
_EXAMPLES = _SESSION.get_component("data_loader").load_service_model("elasticache", "examples-1")
_MODEL = _SESSION.get_service_model("elasticache")

MADE = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)


def answers(operation: str) -> list[dict[str, Any]]:
    """Each sample of an operation's answer, as boto3 returns it: with times as times."""
    shape = _MODEL.operation_model(operation).output_shape
    examples = _EXAMPLES["examples"][operation]
    return [_typed(shape, each["output"]) for each in examples if "output" in each]


def member_snapshot(
    member: str, taken: datetime, *, source: str = "automated", **changes: Any
) -> dict[str, Any]:
    """A complete snapshot of a group without cluster mode: of one member, and of no group."""
    found: dict[str, Any] = answers("DescribeSnapshots")[0]["Snapshots"][0]
    found["NodeSnapshots"][0] |= {"CacheNodeCreateTime": MADE, "SnapshotCreateTime": taken}
    given = {"CacheClusterId": member, "CacheClusterCreateTime": MADE}
    return found | given | _named(member, taken, source) | changes


def group_snapshot(
    group: str, *taken: datetime, source: str = "automated", **changes: Any
) -> dict[str, Any]:
    """A complete snapshot of a group in cluster mode, with a time for each of its shards."""
    found: dict[str, Any] = answers("CreateSnapshot")[2]["Snapshot"]
    nodes = [
        {"CacheSize": "3 MB", "NodeGroupId": f"{number:04}", "SnapshotCreateTime": when}
        for number, when in enumerate(taken, 1)
    ]
    given = {"ReplicationGroupId": group, "NumNodeGroups": len(taken), "NodeSnapshots": nodes}
    return found | given | _named(group, taken[0], source) | changes


def _named(of: str, taken: datetime, source: str) -> dict[str, Any]:
    prefix = "automatic." if source == "automated" else ""
    return {
        "SnapshotName": f"{prefix}{of}-{taken:%Y-%m-%d-%H-%M}",
        "SnapshotSource": source,
        "SnapshotStatus": "available",
        "EngineVersion": "6.2.6",
    }


def _typed(shape: Shape, value: Any) -> Any:
    if isinstance(shape, StructureShape):
        return {name: _typed(shape.members[name], part) for name, part in value.items()}
    if isinstance(shape, ListShape):
        return [_typed(shape.member, part) for part in value]
    return datetime.fromisoformat(value) if shape.type_name == "timestamp" else value
