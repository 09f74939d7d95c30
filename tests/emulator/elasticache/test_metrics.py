import pytest

from tests.emulator.elasticache.conftest import Rehearsed


def read(rehearsed: Rehearsed) -> dict[tuple[str, str], float]:
    return {(each.member, each.name): each.value for each in rehearsed.service.metrics()}


def test_a_primary_reports_no_lag_and_an_idle_group_no_hit_rate(rehearsed: Rehearsed) -> None:
    rehearsed.create(NumCacheClusters=2)
    found = read(rehearsed)
    assert ("redis-001", "ReplicationLag") not in found
    assert found["redis-002", "ReplicationLag"] == 0
    assert ("redis-001", "CacheHitRate") not in found


def test_counters_are_the_difference_to_the_last_reading(rehearsed: Rehearsed) -> None:
    rehearsed.create()
    client = rehearsed.connect()
    client.set("key", "value")
    read(rehearsed)
    for _ in range(3):
        client.get("key")
    client.get("missing")
    found = read(rehearsed)
    assert found["redis-001", "CacheHits"] == 3
    assert found["redis-001", "CacheMisses"] == 1
    assert found["redis-001", "CacheHitRate"] == pytest.approx(75)
    assert found["redis-001", "NetworkBytesIn"] > 0
    assert read(rehearsed)["redis-001", "CacheHits"] == 0


def test_a_replica_that_lost_its_primary_lags(rehearsed: Rehearsed) -> None:
    rehearsed.create(NumCacheClusters=2)
    read(rehearsed)
    replica = rehearsed.service._state.groups["redis"].running.node("redis-002")  # noqa: SLF001
    replica.server.call("replicaof", "127.0.0.1", "1")
    rehearsed.connect().set("key", "value")
    first = read(rehearsed)["redis-002", "ReplicationLag"]
    assert 0 < first < read(rehearsed)["redis-002", "ReplicationLag"]
