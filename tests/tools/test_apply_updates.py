"""Service updates of a group on real nodes, and every way in which one is not applied."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from emulator.elasticache.state import Promises
from tests.emulator.elasticache.conftest import Rehearsed, Start, rehearsed, start
from tools import service_updates
from tools.apply_updates import table
from tools.command import Answer
from tools.service_updates import ENGINE, MAJOR, SECURITY, ServiceUpdates, chosen

__all__ = ["rehearsed", "start"]

pytestmark = pytest.mark.plan("7.1")


def of(rehearsed: Rehearsed, said: list[str], sleep: Any = None) -> ServiceUpdates:
    def wait(_seconds: float) -> None:
        rehearsed.wait()

    return ServiceUpdates(rehearsed.client, "redis", sleep or wait, said.append)


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def published(rehearsed: Rehearsed) -> Rehearsed:
    """A group of two nodes with an update of each type and, of security, two severities."""
    rehearsed.create(NumCacheClusters=2, AutomaticFailoverEnabled=True)
    for name, severity, kind in (
        ("engine", "critical", ENGINE),
        ("major", "critical", MAJOR),
        ("low", "low", SECURITY),
        ("critical", "critical", SECURITY),
    ):
        rehearsed.service.publish_service_update(name, severity, kind=kind)
    return rehearsed


def test_security_comes_first_and_a_major_version_never(
    published: Rehearsed, said: list[str]
) -> None:
    found = of(published, said).pending()
    assert len(found) == 4
    names = [update.name for update in chosen(found, security_only=False)]
    assert names == ["critical", "low", "engine"]


def test_asked_for_security_alone_nothing_else_is_applied(
    published: Rehearsed, said: list[str]
) -> None:
    found = of(published, said).pending()
    wanted = chosen(found, security_only=True)
    assert [update.name for update in wanted] == ["critical", "low"]
    lines = "\n".join(table(found, wanted))
    assert "· engine    engine-update" in lines
    assert "left: not a security update" in lines
    assert "left: a new major version is the settings' engine line" in lines


def test_an_update_is_waited_for_until_every_node_has_it(
    published: Rehearsed, said: list[str]
) -> None:
    published.connect().set("key", "value")
    updates = of(published, said)
    before = published.connect().info("server")["run_id"]
    done = updates.apply(chosen(updates.pending(), security_only=True)[0])
    assert (done.name, done.status, done.nodes) == ("critical", "complete", "2/2")
    assert published.connect().info("server")["run_id"] != before
    assert published.connect().get("key") == "value"
    assert {update.name for update in updates.pending()} == {"engine", "low", "major"}
    assert any("critical: in-progress" in line for line in said)


def test_a_group_that_is_not_there_is_one_message(rehearsed: Rehearsed, said: list[str]) -> None:
    with pytest.raises(Answer, match=r"no replication group redis\. Deploy the environment"):
        of(rehearsed, said).pending()


@pytest.fixture
def slow(start: Start) -> Iterator[Rehearsed]:
    """A group of two nodes whose updates take 0.3 s a node."""
    found = start(promises=Promises(seconds=0.3))
    found.create(NumCacheClusters=2, AutomaticFailoverEnabled=True)
    found.service.publish_service_update("patch", "important")
    yield found
    found.wait()


def test_an_update_that_is_under_way_is_not_begun_again(slow: Rehearsed, said: list[str]) -> None:
    slow.client.batch_apply_update_action(ReplicationGroupIds=["redis"], ServiceUpdateName="patch")
    with pytest.raises(Answer, match=r"patch is in-progress on redis, ./2 nodes.*Run this"):
        of(slow, said).pending()


def test_what_elasticache_refuses_is_told_in_its_words(slow: Rehearsed, said: list[str]) -> None:
    updates = of(slow, said)
    (patch,) = updates.pending()
    slow.client.modify_replication_group(
        ReplicationGroupId="redis", SnapshotRetentionLimit=3, ApplyImmediately=True
    )
    with pytest.raises(Answer, match=r"InvalidReplicationGroupState.*Nothing was changed"):
        updates.apply(patch)


def test_an_update_that_somebody_stops_is_no_success(slow: Rehearsed, said: list[str]) -> None:
    def stop(_seconds: float) -> None:
        if "stopped" not in said:
            slow.client.batch_stop_update_action(
                ReplicationGroupIds=["redis"], ServiceUpdateName="patch"
            )
            said.append("stopped")
        slow.wait()

    updates = of(slow, said, stop)
    (patch,) = updates.pending()
    with pytest.raises(Answer, match=r"somebody stopped patch when ./2 nodes"):
        updates.apply(patch)
    slow.wait()
    (again,) = updates.pending()
    assert again.status == "stopped"
    assert of(slow, said).apply(again).nodes == "2/2"


def test_waiting_ends_and_says_how_to_go_on(
    slow: Rehearsed, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_updates, "LONGEST_PER_NODE", timedelta(seconds=30))
    updates = of(slow, said, lambda _seconds: None)
    (patch,) = updates.pending()
    with pytest.raises(Answer, match=r"not complete after 1 min: in-progress.*make health"):
        updates.apply(patch)


@pytest.mark.parametrize(
    ("action", "says"),
    [
        ({"UpdateActionStatus": "not-applicable"}, "a newer update took its place"),
        (None, "does not list patch any more"),
    ],
)
def test_an_update_that_goes_away_is_no_success(
    action: dict[str, str] | None, says: str, said: list[str]
) -> None:
    client = boto3.client("elasticache", region_name="us-east-1")
    patch = {"ServiceUpdateName": "patch", "UpdateActionStatus": "not-applied"}
    group = {"Status": "available", "MemberClusters": ["redis-001"]}
    with Stubber(client) as stub:
        stub.add_response("describe_replication_groups", {"ReplicationGroups": [group]})
        stub.add_response("describe_update_actions", {"UpdateActions": [patch]})
        stub.add_response("batch_apply_update_action", {"ProcessedUpdateActions": [patch]})
        stub.add_response("describe_replication_groups", {"ReplicationGroups": [group]})
        shown = [] if action is None else [patch | action]
        stub.add_response("describe_update_actions", {"UpdateActions": shown})
        updates = ServiceUpdates(client, "redis", lambda _seconds: None, said.append)
        (found,) = updates.pending()
        with pytest.raises(Answer, match=says):
            updates.apply(found)
