"""Whose a snapshot is, by every form of AWS's answer, and nobody else's."""

from datetime import UTC, datetime
from typing import Any

import pytest

from shared.snapshots import is_of, source_of, taken
from tests.aws_samples import answers, group_snapshot, member_snapshot

THEN = datetime(2026, 12, 7, 2, 13, tzinfo=UTC)
GROUP = "vibewell-redis"


@pytest.mark.parametrize(
    ("snapshot", "in_cluster_mode", "without"),
    [
        (member_snapshot(f"{GROUP}-001", THEN), True, True),
        (member_snapshot(f"{GROUP}-042", THEN), True, True),  # a node that is gone
        (group_snapshot(GROUP, THEN), True, True),
        (member_snapshot(f"{GROUP}-003", THEN, ReplicationGroupId=GROUP), True, True),
        (member_snapshot(f"{GROUP}-0001-002", THEN), True, False),
        (member_snapshot(f"{GROUP}-staging-001", THEN), False, False),
        (member_snapshot(f"{GROUP}-staging-0001-001", THEN), False, False),
        (group_snapshot(f"{GROUP}-staging", THEN), False, False),
        (member_snapshot(f"{GROUP}-001", THEN, ReplicationGroupId="other"), False, False),
        (member_snapshot(GROUP, THEN), False, False),  # a cluster that is in no group
        (member_snapshot(f"my-{GROUP}-001", THEN), False, False),
        (member_snapshot(f"{GROUP}-1001", THEN), False, False),
        (member_snapshot(f"{GROUP}-001\n", THEN), False, False),
        ({}, False, False),
    ],
    ids=str,
)
def test_a_snapshot_is_of_the_group_or_of_one_of_its_members_by_the_whole_name(
    snapshot: dict[str, Any], in_cluster_mode: bool, without: bool
) -> None:
    assert is_of(snapshot, GROUP, cluster_mode=True) is in_cluster_mode
    assert is_of(snapshot, GROUP, cluster_mode=False) is without


@pytest.mark.parametrize("operation", ["CreateSnapshot", "CopySnapshot", "DeleteSnapshot"])
def test_every_sample_of_aws_can_be_read(operation: str) -> None:
    for answer in answers(operation):
        snapshot = answer["Snapshot"]
        assert source_of(snapshot) != "no group"
        assert taken(snapshot) is None or snapshot["NodeSnapshots"][0]["SnapshotCreateTime"]


def test_a_manual_one_without_a_time_has_no_age() -> None:
    sharded = group_snapshot(GROUP, THEN, THEN, source="manual")
    del sharded["NodeSnapshots"][1]["SnapshotCreateTime"]
    assert taken(sharded) is None
