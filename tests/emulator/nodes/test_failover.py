import os
import signal

from emulator.nodes.group import Group
from emulator.nodes.waiting import until
from tests.emulator.nodes.conftest import Connect, Events, Start


def primary(group: Group) -> str:
    return next(member.name for member in group.members if member.role == "primary")


def kill(group: Group, name: str) -> None:
    os.kill(group.node(name).server.pid, signal.SIGKILL)


def recovered(group: Group, events: Events, name: str) -> None:
    done = (name, "Finished recovery for cache nodes 0001")
    until(lambda: done in events, 120, f"{name} recovered")
    assert group.node(name).alive


def test_the_loss_of_the_primary_promotes_a_replica_and_it_comes_back_as_one_with_all_the_data(
    start: Start, connect: Connect, events: Events
) -> None:
    group = start()
    client = connect(group.endpoints.primary)
    client.set("key", "value")
    assert client.wait(2, 30000) == 2
    kill(group, "group-0-001")
    recovered(group, events, "group-0-001")
    assert primary(group) != "group-0-001"
    client = connect(group.endpoints.primary)
    assert client.get("key") == "value"
    assert client.wait(2, 30000) == 2
    assert connect(group.node("group-0-001").at[0]).get("key") == "value"


def test_the_replica_that_has_most_of_the_stream_is_promoted(
    start: Start, connect: Connect, events: Events
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
