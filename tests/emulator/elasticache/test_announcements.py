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
    rehearsed.failover()
    assert [event for _, event, _ in told[1:]] == [
        "FailoverComplete",
        "CacheNodeReplaceStarted",
        "CacheNodeReplaceComplete",
    ]
    assert [source for _, _, source in told[1:]] == ["redis", "redis-001", "redis-001"]


def test_a_topic_that_refused_is_inactive_until_it_is_switched_on(start: Start) -> None:
    rehearsed, told = listening(start, takes=False)
    until(lambda: configuration(rehearsed)["TopicStatus"] == "inactive", 120, "inactive")
    rehearsed.failover()
    assert len(told) == 1, "it hears nothing more"
    rehearsed.modify(NotificationTopicStatus="active")
    assert configuration(rehearsed)["TopicStatus"] == "active"
    rehearsed.failover()
    assert len(told) == 2
