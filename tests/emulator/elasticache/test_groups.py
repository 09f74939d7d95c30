"""Parameters, events and metrics of a group, and one whose nodes do not start."""

from collections.abc import Callable
from typing import Any
from unittest.mock import Mock

import pytest

from emulator.elasticache.parameter_catalog import CATALOG
from emulator.engines import PROGRAMS, EngineMissingError
from emulator.nodes.waiting import until
from tests.emulator.elasticache.conftest import GROUP, Rehearsed, Start

TOPIC = "arn:aws:sns:us-east-1:111122223333:events"
PAIR = {"NumCacheClusters": 2, "AutomaticFailoverEnabled": True, "NotificationTopicArn": TOPIC}


@pytest.mark.parametrize(("engine", "version"), list(PROGRAMS))
def test_every_parameter_of_a_family_is_one_that_its_server_takes(
    rehearsed: Rehearsed, engine: str, version: str
) -> None:
    rehearsed.create(Engine=engine, EngineVersion=version)
    assert rehearsed.connect().ping()


def test_a_family_says_which_parameters_can_be_changed(rehearsed: Rehearsed) -> None:
    pages = rehearsed.client.get_paginator("describe_cache_parameters").paginate(
        CacheParameterGroupName="default.redis6.x", PaginationConfig={"PageSize": 20}
    )
    parameters = {each["ParameterName"]: each for page in pages for each in page["Parameters"]}
    assert parameters.keys() == CATALOG["redis6.x"].keys()
    assert parameters["timeout"]["IsModifiable"]
    assert not parameters["appendonly"]["IsModifiable"]
    assert parameters["active-defrag-cycle-max"]["AllowedValues"] == "1-75"
    assert parameters["active-defrag-cycle-max"]["DataType"] == "integer"


def test_a_failover_changes_the_roles_and_is_in_the_events_and_the_topic(start: Start) -> None:
    sent: list[tuple[str, str, str]] = []
    rehearsed = start(notify=lambda topic, event, source, _: sent.append((topic, event, source)))
    before = rehearsed.create(**PAIR)
    assert sent == [(TOPIC, "ElastiCache:CreateReplicationGroupComplete", "redis")]
    rehearsed.connect().set("key", "value")
    rehearsed.failover()
    (shard,) = rehearsed.describe()["NodeGroups"]
    roles = {each["CacheClusterId"]: each["CurrentRole"] for each in shard["NodeGroupMembers"]}
    assert roles == {"redis-001": "replica", "redis-002": "primary"}
    assert shard["PrimaryEndpoint"] == before["NodeGroups"][0]["PrimaryEndpoint"]
    assert rehearsed.connect().get("key") == "value"
    events = rehearsed.client.describe_events()["Events"]
    done = "Failover from primary node redis-001 to replica node redis-002 completed"
    assert [(event["SourceType"], event["Message"]) for event in events[-2::-1]] == [
        ("replication-group", "Test Failover API called for node group 0001"),
        ("cache-cluster", done),
        ("replication-group", done),
        ("cache-cluster", "Recovering cache nodes 0001"),
        ("cache-cluster", "Finished recovery for cache nodes 0001"),
    ]
    assert [(event.removeprefix("ElastiCache:"), source) for _, event, source in sent[1:]] == [
        ("FailoverComplete", "redis"),
        ("CacheNodeReplaceStarted", "redis-001"),
        ("CacheNodeReplaceComplete", "redis-001"),
    ]


def test_a_topic_that_refused_is_inactive_until_it_is_switched_on(start: Start) -> None:
    sent: list[str] = []

    def refuse(_topic: str, event: str, _source: str, refused: Callable[[], None]) -> None:
        sent.append(event)
        refused()

    def status() -> Any:
        member = rehearsed.client.describe_cache_clusters()["CacheClusters"][0]
        return member["NotificationConfiguration"]["TopicStatus"]

    rehearsed = start(notify=refuse)
    rehearsed.create(**PAIR)
    until(lambda: status() == "inactive", 120, "inactive")
    rehearsed.failover()
    assert len(sent) == 1
    rehearsed.modify(NotificationTopicStatus="active")
    assert status() == "active"
    rehearsed.failover()
    assert len(sent) == 2


def test_a_group_whose_nodes_do_not_start_is_create_failed_and_can_be_deleted(
    rehearsed: Rehearsed, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = Mock(side_effect=EngineMissingError("no server"))
    monkeypatch.setattr("emulator.engines.obtain", missing)
    rehearsed.client.create_replication_group(**GROUP)
    rehearsed.wait(status="create-failed")
    assert "creating failed: no server" in str(rehearsed.client.describe_events())
    rehearsed.delete()


def metrics(rehearsed: Rehearsed) -> dict[tuple[str, str], float]:
    return {(each.member, each.name): each.value for each in rehearsed.service.metrics()}


def test_counters_are_differences_and_a_primary_reports_no_lag(rehearsed: Rehearsed) -> None:
    rehearsed.create(NumCacheClusters=2)
    client = rehearsed.connect()
    client.set("key", "value")
    values = metrics(rehearsed)
    assert ("redis-001", "ReplicationLag") not in values
    assert values["redis-002", "ReplicationLag"] == 0
    assert ("redis-001", "CacheHitRate") not in values, "an idle group has none"
    for key in ("key", "key", "key", "missing"):
        client.get(key)
    values = metrics(rehearsed)
    assert (values["redis-001", "CacheHits"], values["redis-001", "CacheMisses"]) == (3, 1)
    assert values["redis-001", "CacheHitRate"] == pytest.approx(75)
    assert metrics(rehearsed)["redis-001", "CacheHits"] == 0


def test_a_replica_that_lost_its_primary_lags(rehearsed: Rehearsed) -> None:
    rehearsed.create(NumCacheClusters=2)
    metrics(rehearsed)
    replica = rehearsed.service.groups["redis"].running.node("redis-002")
    replica.server.call("replicaof", "127.0.0.1", "1")
    rehearsed.connect().set("key", "value")
    first = metrics(rehearsed)["redis-002", "ReplicationLag"]
    assert 0 < first < metrics(rehearsed)["redis-002", "ReplicationLag"]
