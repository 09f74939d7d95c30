import contextlib
import socket

import pytest
import redis

from emulator.nodes.waiting import until
from tests.emulator.elasticache.conftest import Rehearsed


def read(rehearsed: Rehearsed) -> dict[tuple[str, str], float]:
    return {(each.member, each.name): each.value for each in rehearsed.service.metrics()}


def test_every_node_publishes_under_its_own_name(rehearsed: Rehearsed) -> None:
    rehearsed.create(NumCacheClusters=3)
    found = read(rehearsed)
    assert {member for member, _ in found} == {"redis-001", "redis-002", "redis-003"}
    names = {name for member, name in found if member == "redis-002"}
    assert names >= {
        "DatabaseMemoryUsagePercentage",
        "EngineCPUUtilization",
        "CPUUtilization",
        "CurrConnections",
        "CacheHits",
        "CacheMisses",
        "ReplicationLag",
        "Evictions",
        "NewConnections",
        "AuthenticationFailures",
        "CommandAuthorizationFailures",
        "SwapUsage",
        "NetworkBytesIn",
        "NetworkBytesOut",
        "BytesUsedForCache",
        "FreeableMemory",
    }


def test_a_primary_reports_no_lag_and_an_idle_group_no_hit_rate(rehearsed: Rehearsed) -> None:
    rehearsed.create(NumCacheClusters=2)
    found = read(rehearsed)
    assert ("redis-001", "ReplicationLag") not in found
    assert found["redis-002", "ReplicationLag"] == 0
    assert ("redis-001", "CacheHitRate") not in found


def test_the_memory_alarm_can_be_driven_in_seconds(rehearsed: Rehearsed) -> None:
    rehearsed.create()
    client = rehearsed.connect()
    assert read(rehearsed)["redis-001", "DatabaseMemoryUsagePercentage"] < 50
    for number in range(270):
        client.set(f"block-{number}", "x" * 65536)
    assert read(rehearsed)["redis-001", "DatabaseMemoryUsagePercentage"] > 90
    client.flushall()
    assert read(rehearsed)["redis-001", "DatabaseMemoryUsagePercentage"] < 50


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


def test_refused_logins_and_commands_are_counted(rehearsed: Rehearsed) -> None:
    rehearsed.create()
    read(rehearsed)
    for _ in range(4):
        assert not rehearsed.logs_in("a-wrong-token-of-the-tests")
    with contextlib.suppress(redis.exceptions.NoPermissionError):
        rehearsed.connect().acl_setuser("eve")
    found = read(rehearsed)
    assert found["redis-001", "AuthenticationFailures"] == 4
    assert found["redis-001", "CommandAuthorizationFailures"] == 1


def test_open_connections_are_counted(rehearsed: Rehearsed) -> None:
    rehearsed.create()
    before = read(rehearsed)["redis-001", "CurrConnections"]
    clients = [rehearsed.connect() for _ in range(10)]
    for client in clients:
        client.ping()
    assert read(rehearsed)["redis-001", "CurrConnections"] == before + 10


def test_the_connections_alarm_can_be_driven_through_the_primary_address(
    rehearsed: Rehearsed,
) -> None:
    rehearsed.create()
    endpoint = rehearsed.describe()["NodeGroups"][0]["PrimaryEndpoint"]
    with contextlib.ExitStack() as opened:
        for _ in range(1050):
            address = (endpoint["Address"], endpoint["Port"])
            opened.enter_context(socket.create_connection(address, timeout=60))
        until(lambda: read(rehearsed)["redis-001", "CurrConnections"] > 1000, 120, "connections")
    until(lambda: read(rehearsed)["redis-001", "CurrConnections"] < 10, 120, "connections closed")


def test_a_replica_that_lost_its_primary_lags(rehearsed: Rehearsed) -> None:
    rehearsed.create(NumCacheClusters=2)
    read(rehearsed)
    replica = rehearsed.service._state.groups["redis"].running.node("redis-002")  # noqa: SLF001
    replica.server.call("replicaof", "127.0.0.1", "1")
    rehearsed.connect().set("key", "value")
    first = read(rehearsed)["redis-002", "ReplicationLag"]
    assert 0 < first < read(rehearsed)["redis-002", "ReplicationLag"]
