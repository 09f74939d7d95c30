"""What the group's topic is told of, and that one which refuses is told nothing more."""

from collections.abc import Callable
from typing import Any

from emulator.nodes.waiting import until
from tests.emulator.elasticache.conftest import Rehearsed, Start

TOPIC = "arn:aws:sns:us-east-1:111122223333:events"
Told = list[tuple[str, str, str]]


def listening(start: Start, *, takes: bool = True) -> tuple[Rehearsed, Told]:
    told: Told = []

    def notify(topic: str, event: str, source: str, refused: Callable[[], None]) -> None:
        told.append((topic, event.removeprefix("ElastiCache:"), source))
        if not takes:
            refused()

    rehearsed = start(notify=notify)
    rehearsed.create(
        NumCacheClusters=2,
        AutomaticFailoverEnabled=True,
        SnapshotRetentionLimit=1,
        NotificationTopicArn=TOPIC,
    )
    return rehearsed, told


def configuration(rehearsed: Rehearsed) -> Any:
    clusters = rehearsed.client.describe_cache_clusters()["CacheClusters"]
    return clusters[0]["NotificationConfiguration"]


def test_a_failover_names_the_group_and_the_node_that_was_replaced(start: Start) -> None:
    rehearsed, told = listening(start)
    assert told == [(TOPIC, "CreateReplicationGroupComplete", "redis")]
    rehearsed.client.test_failover(ReplicationGroupId="redis", NodeGroupId="0001")
    rehearsed.wait()
    assert [event for _, event, _ in told[1:]] == [
        "FailoverComplete",
        "CacheNodeReplaceStarted",
        "CacheNodeReplaceComplete",
    ]
    assert [source for _, _, source in told[1:]] == ["redis", "redis-001", "redis-001"]


def test_snapshots_changes_and_updates_are_told(start: Start) -> None:
    rehearsed, told = listening(start)
    rehearsed.service.take_automatic_snapshot("redis")
    rehearsed.wait()
    rehearsed.client.modify_replication_group(
        ReplicationGroupId="redis", CacheNodeType="cache.m6g.large", ApplyImmediately=True
    )
    rehearsed.wait()
    rehearsed.service.publish_service_update("a-patch", "important")
    events = {event for _, event, _ in told}
    assert events >= {
        "SnapshotComplete",
        "ReplicationGroupScalingComplete",
        "ServiceUpdateAvailableForNode",
    }


def test_a_topic_that_refused_is_inactive_until_it_is_switched_on(start: Start) -> None:
    rehearsed, told = listening(start, takes=False)
    until(lambda: configuration(rehearsed)["TopicStatus"] == "inactive", 120, "inactive")
    rehearsed.client.test_failover(ReplicationGroupId="redis", NodeGroupId="0001")
    rehearsed.wait()
    assert len(told) == 1, "it hears nothing more"
    rehearsed.client.modify_replication_group(
        ReplicationGroupId="redis", NotificationTopicStatus="active", ApplyImmediately=True
    )
    rehearsed.wait()
    assert configuration(rehearsed)["TopicStatus"] == "active"
    rehearsed.client.test_failover(ReplicationGroupId="redis", NodeGroupId="0001")
    rehearsed.wait()
    assert len(told) == 2
