import os
import signal

import pytest
import redis

from emulator.nodes.group import Group
from emulator.nodes.waiting import until
from tests.emulator.nodes.conftest import Connect, Start


def primary(group: Group) -> str:
    return next(member.name for member in group.members if member.role == "primary")


def kill(group: Group, name: str) -> None:
    os.kill(group.node(name).server.pid, signal.SIGKILL)


def recovered(group: Group, events: list[tuple[str, str]], name: str) -> None:
    until(
        lambda: (name, "Finished recovery for cache nodes 0001") in events, 120, f"{name} recovered"
    )
    assert group.node(name).alive


def test_a_failover_on_request_moves_the_role_and_keeps_the_address(
    start: Start, connect: Connect, events: list[tuple[str, str]]
) -> None:
    group = start()
    client = connect(group.endpoints.primary)
    client.set("before", "1")
    assert client.wait(2, 30000) == 2
    group.fail_over("0001")
    assert primary(group) != "group-0-001"
    after = connect(group.endpoints.primary)
    assert after.get("before") == "1"
    assert after.set("after", "1")
    promoted = f"Failover from primary node group-0-001 to replica node {primary(group)} completed"
    assert (primary(group), promoted) in events


def test_an_open_connection_stays_with_the_demoted_node_and_sees_readonly(
    start: Start, connect: Connect
) -> None:
    group = start()
    client = connect(group.endpoints.primary)
    client.set("key", "1")
    group.fail_over("0001")
    with pytest.raises(redis.exceptions.ReadOnlyError):
        client.set("key", "2")


def test_the_loss_of_the_primary_promotes_a_replica_with_all_the_data(
    start: Start, connect: Connect, events: list[tuple[str, str]]
) -> None:
    group = start()
    client = connect(group.endpoints.primary)
    client.set("key", "value")
    assert client.wait(2, 30000) == 2
    kill(group, "group-0-001")
    recovered(group, events, "group-0-001")
    assert primary(group) != "group-0-001"
    assert connect(group.endpoints.primary).get("key") == "value"


def test_a_lost_primary_comes_back_as_a_replica_and_has_the_data_again(
    start: Start, connect: Connect, events: list[tuple[str, str]]
) -> None:
    group = start()
    kill(group, "group-0-001")
    recovered(group, events, "group-0-001")
    client = connect(group.endpoints.primary)
    client.set("key", "value")
    assert client.wait(2, 30000) == 2
    assert connect(group.node("group-0-001").at[0]).get("key") == "value"


def test_the_replica_that_has_most_of_the_stream_is_promoted(
    start: Start, connect: Connect, events: list[tuple[str, str]]
) -> None:
    group = start()
    behind = group.node("group-0-002")
    behind.server.call("replicaof", "no", "one")
    client = connect(group.endpoints.primary)
    client.set("key", "value")
    assert client.wait(1, 30000) == 1
    kill(group, "group-0-001")
    recovered(group, events, "group-0-001")
    assert primary(group) == "group-0-003"
    assert connect(group.endpoints.primary).get("key") == "value"


def test_the_loss_of_a_replica_leaves_the_primary_alone(
    start: Start, events: list[tuple[str, str]]
) -> None:
    group = start()
    kill(group, "group-0-002")
    recovered(group, events, "group-0-002")
    assert primary(group) == "group-0-001"


def test_without_automatic_failover_the_lost_primary_returns_empty(
    start: Start, connect: Connect, events: list[tuple[str, str]]
) -> None:
    group = start(automatic_failover=False)
    connect(group.endpoints.primary).set("key", "value")
    kill(group, "group-0-001")
    recovered(group, events, "group-0-001")
    assert primary(group) == "group-0-001"
    assert connect(group.endpoints.primary).get("key") is None


def test_a_group_that_lost_all_its_nodes_comes_back_empty(
    start: Start, connect: Connect, events: list[tuple[str, str]]
) -> None:
    group = start(replicas=1)
    connect(group.endpoints.primary).set("key", "value")
    for member in group.members:
        kill(group, member.name)
    for member in group.members:
        recovered(group, events, member.name)
    assert connect(group.endpoints.primary).dbsize() == 0


def test_a_planned_change_of_primary_loses_no_write(start: Start, connect: Connect) -> None:
    group = start()
    client = connect(group.endpoints.primary)
    for number in range(500):
        client.set(f"key-{number}", "1")
    group.promote("group-0-003")
    assert primary(group) == "group-0-003"
    assert connect(group.endpoints.primary).dbsize() == 500


def test_a_group_without_replicas_cannot_fail_over(start: Start) -> None:
    with pytest.raises(LookupError, match="has no replica"):
        start(replicas=0).fail_over("0001")
