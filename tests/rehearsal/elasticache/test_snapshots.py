from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rehearsal.nodes.waiting import until
from tests.rehearsal.elasticache.conftest import Rehearsed, Start


def names(rehearsed: Rehearsed, **fields: Any) -> list[str]:
    found = rehearsed.client.describe_snapshots(**fields)["Snapshots"]
    return [snapshot["SnapshotName"] for snapshot in found]


def available(rehearsed: Rehearsed, name: str) -> dict[str, Any]:
    def find() -> dict[str, Any]:
        found: dict[str, Any] = rehearsed.client.describe_snapshots(SnapshotName=name)
        return found["Snapshots"][0]  # type: ignore[no-any-return]

    until(lambda: find()["SnapshotStatus"] == "available", 120, f"{name} available")
    return find()


def test_a_snapshot_goes_through_creating_and_a_new_group_has_its_data(
    rehearsed: Rehearsed,
) -> None:
    rehearsed.create(NumCacheClusters=2, SnapshotRetentionLimit=7)
    client = rehearsed.connect()
    client.set("key", "value")
    assert client.wait(1, 30000) == 1
    answer = rehearsed.client.create_snapshot(ReplicationGroupId="redis", SnapshotName="before")
    assert answer["Snapshot"]["SnapshotStatus"] == "creating"
    snapshot = available(rehearsed, "before")
    assert snapshot["SnapshotSource"] == "manual"
    assert snapshot["EngineVersion"] == "6.2.6"
    (node,) = snapshot["NodeSnapshots"]
    assert node["CacheClusterId"] == "redis-002"
    assert node["SnapshotCreateTime"] <= datetime.now(UTC)
    rehearsed.wait()
    restored = rehearsed.create(ReplicationGroupId="restored", SnapshotName="before")
    assert restored["MemberClusters"] == ["restored-001"]
    assert rehearsed.connect("restored").get("key") == "value"


def test_the_group_is_snapshotting_meanwhile(start: Start) -> None:
    rehearsed = start(speed=3000.0)
    rehearsed.create()
    rehearsed.client.create_snapshot(ReplicationGroupId="redis", SnapshotName="slow")
    assert rehearsed.describe()["Status"] == "snapshotting"
    rehearsed.wait()


def test_a_final_snapshot_and_manual_ones_outlive_the_group_and_automatic_ones_do_not(
    rehearsed: Rehearsed,
) -> None:
    rehearsed.create(SnapshotRetentionLimit=7)
    rehearsed.connect().set("key", "value")
    rehearsed.client.create_snapshot(ReplicationGroupId="redis", SnapshotName="manual")
    rehearsed.wait()
    automatic = rehearsed.service.take_automatic_snapshot("redis")
    rehearsed.wait()
    assert names(rehearsed, SnapshotSource="system") == [automatic]
    assert names(rehearsed, SnapshotSource="user") == ["manual"]
    rehearsed.delete(FinalSnapshotIdentifier="final")
    assert names(rehearsed) == ["final", "manual"]
    rehearsed.create(SnapshotName="final")
    assert rehearsed.connect().get("key") == "value"


def test_a_copy_of_an_automatic_snapshot_outlives_the_group_and_has_its_data(
    rehearsed: Rehearsed,
) -> None:
    rehearsed.create(SnapshotRetentionLimit=7)
    rehearsed.connect().set("key", "value")
    automatic = rehearsed.service.take_automatic_snapshot("redis")
    rehearsed.wait()
    copy = {"SourceSnapshotName": automatic, "TargetSnapshotName": "kept"}
    assert rehearsed.client.copy_snapshot(**copy)["Snapshot"]["SnapshotSource"] == "manual"
    with pytest.raises(rehearsed.client.exceptions.SnapshotAlreadyExistsFault):
        rehearsed.client.copy_snapshot(**copy)
    rehearsed.delete()
    assert names(rehearsed) == ["kept"]
    rehearsed.create(SnapshotName="kept")
    assert rehearsed.connect().get("key") == "value"


def test_the_oldest_automatic_snapshot_goes_when_the_retention_is_reached(start: Start) -> None:
    now = [datetime(2026, 11, 23, 2, 0, tzinfo=UTC)]
    rehearsed = start(clock=lambda: now[0])
    rehearsed.create(SnapshotRetentionLimit=2)
    taken = []
    for _ in range(3):
        taken.append(rehearsed.service.take_automatic_snapshot("redis"))
        rehearsed.wait()
        now[0] += timedelta(days=1)
    assert taken[0].startswith("automatic.redis-2026-11-23-02-00")
    assert names(rehearsed) == [taken[2], taken[1]]


def test_a_deleted_snapshot_is_gone(rehearsed: Rehearsed) -> None:
    rehearsed.create()
    rehearsed.client.create_snapshot(CacheClusterId="redis-001", SnapshotName="once")
    available(rehearsed, "once")
    rehearsed.client.delete_snapshot(SnapshotName="once")
    assert names(rehearsed) == []


def test_snapshots_are_listed_by_group_and_by_member(rehearsed: Rehearsed) -> None:
    rehearsed.create()
    rehearsed.client.create_snapshot(ReplicationGroupId="redis", SnapshotName="one")
    rehearsed.wait()
    assert names(rehearsed, ReplicationGroupId="redis") == ["one"]
    assert names(rehearsed, CacheClusterId="redis-001") == ["one"]
    assert names(rehearsed, ReplicationGroupId="other") == []
