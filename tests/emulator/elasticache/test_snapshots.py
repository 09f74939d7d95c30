"""Snapshots have the shape of AWS's samples, real data, and a neighbour's beside them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from emulator.elasticache.state import Promises
from emulator.nodes.waiting import until
from shared.snapshots import listed, taken
from tests.aws_samples import answers
from tests.emulator.elasticache.conftest import SHARDED, Rehearsed, Start, services

SHARDS = SHARDED | {"ReplicationGroupId": "shards"}
# Fields that AWS shows and botocore's examples do not: the user guide's "Taking manual backups".
BEYOND_THE_SAMPLE = {"DataTiering"}


def names(rehearsed: Rehearsed, **fields: Any) -> list[str]:
    """Without those of the group that is always beside."""
    snapshots = rehearsed.client.describe_snapshots(**fields)["Snapshots"]
    all_names = [snapshot["SnapshotName"] for snapshot in snapshots]
    return [name for name in all_names if "-staging" not in name]


def shape(snapshot: dict[str, Any]) -> tuple[set[str], set[str]]:
    """The fields of a snapshot, and of its nodes."""
    nodes = {field for node in snapshot["NodeSnapshots"] for field in node}
    return set(snapshot) - BEYOND_THE_SAMPLE, nodes


def test_the_oldest_automatic_snapshot_goes_when_the_retention_is_reached(start: Start) -> None:
    now = [datetime(2026, 11, 23, 2, 0, tzinfo=UTC)]
    rehearsed = start(clock=lambda: now[0])
    rehearsed.create(SnapshotRetentionLimit=2)
    taken = []
    for _ in range(3):
        taken.append(rehearsed.service.take_automatic_snapshot("redis"))
        rehearsed.wait()
        now[0] += timedelta(days=1)
    assert taken[0] == "automatic.redis-001-2026-11-23-02-00"
    assert names(rehearsed) == taken[1:]


@pytest.mark.parametrize("finds", [False, True])
def test_a_filter_by_the_group_may_find_nothing_of_one_without_cluster_mode(
    start: Start, finds: bool
) -> None:
    rehearsed = start(promises=Promises(finds_members_by_group=finds))
    rehearsed.create(SnapshotRetentionLimit=7)
    rehearsed.save("one")
    assert names(rehearsed, CacheClusterId="redis-001") == ["one"]
    assert names(rehearsed, ReplicationGroupId="redis") == (["one"] if finds else [])
    assert names(rehearsed, ReplicationGroupId="other") == []
    snapshots = listed(rehearsed.client, "redis", cluster_mode=False, source="user")
    assert [snapshot["SnapshotName"] for snapshot in snapshots] == ["one"]


@pytest.fixture(scope="module")
def both() -> Iterator[Rehearsed]:
    """A group without cluster mode and one with it, each with a snapshot of both kinds."""
    with services() as run:
        rehearsed = run()
        rehearsed.create(NumCacheClusters=2, SnapshotRetentionLimit=7)
        rehearsed.create(**SHARDS, SnapshotRetentionLimit=7)
        of = {"redis": {"CacheClusterId": "redis-002"}, "shards": {"ReplicationGroupId": "shards"}}
        for group, source in of.items():
            rehearsed.client.create_snapshot(SnapshotName=f"{group}-by-hand", **source)
            rehearsed.wait(group)
            rehearsed.service.take_automatic_snapshot(group)
            rehearsed.wait(group)
        yield rehearsed


def described(rehearsed: Rehearsed, name: str) -> dict[str, Any]:
    (entry,) = rehearsed.client.describe_snapshots(SnapshotName=name)["Snapshots"]
    snapshot: dict[str, Any] = entry
    return snapshot


def test_it_has_the_fields_of_aws_s_samples_of_a_member_and_in_cluster_mode(
    both: Rehearsed,
) -> None:
    (sample,) = answers("DescribeSnapshots")[0]["Snapshots"]
    assert shape(described(both, "redis-by-hand")) == shape(sample)
    assert described(both, "redis-by-hand")["NumCacheNodes"] == 1
    actual, nodes = shape(described(both, "shards-by-hand"))
    fields, node_fields = shape(answers("CreateSnapshot")[2]["Snapshot"])
    assert actual == fields
    # The sample is of one that is begun: the time is the model's word for when it is complete.
    assert nodes - node_fields == {"SnapshotCreateTime"}
    assert described(both, "shards-by-hand")["NumNodeGroups"] == 2


@pytest.mark.parametrize(("group", "cluster_mode"), [("redis", False), ("shards", True)])
def test_another_group_whose_name_begins_alike_has_newer_ones(
    both: Rehearsed, group: str, cluster_mode: bool
) -> None:
    for source, name in (("user", f"{group}-by-hand"), ("system", f"automatic.{group}-")):
        (own,) = listed(both.client, group, cluster_mode=cluster_mode, source=source)
        assert own["SnapshotName"].startswith(name)
        beside = f"{group}-staging"
        (theirs,) = listed(both.client, beside, cluster_mode=cluster_mode, source=source)
        assert max(own, theirs, key=lambda snapshot: str(taken(snapshot))) is theirs
        assert shape(theirs) == shape(own)


def test_a_group_that_is_made_or_deleted_shows_no_more_than_aws_s_samples(start: Start) -> None:
    rehearsed = start(promises=Promises(seconds=0.2))
    rehearsed.create()
    rehearsed.client.delete_replication_group(ReplicationGroupId="redis")
    deleting = answers("DeleteReplicationGroup")[0]["ReplicationGroup"]
    there = rehearsed.client.describe_replication_groups()["ReplicationGroups"]
    for group in (deleting, *there):  # or it is gone already
        assert not {"MemberClusters", "NodeGroups"} & set(group)
    until(lambda: rehearsed.gone(), 30, "deleted")
