"""Each check of the deployed health check is seen to fail when reality is changed by hand."""

import json
import time
from typing import Any

import pytest

from rehearsal.common import checks, functions, stacks
from rehearsal.common.deployed import check_group, described, token
from rehearsal.common.errors import RehearsalError, eventually
from rehearsal.common.rehearsal import Rehearsal, said_by
from tests.rehearsal import by_hand

pytestmark = pytest.mark.plan("2.4")

GROUP = "vibewell-redis"
SUBSCRIPTION = "AWS::SNS::Subscription"
WARNING = "vibewell-redis-production-warning"
EVENTS = "vibewell-redis-production-events"


Lines = dict[str, dict[str, Any]]


def failed(rehearsal: Rehearsal) -> Lines:
    """The lines that failed, by name."""
    document = functions.invoked(rehearsal)
    lines = {line["name"]: line for line in document["checks"] if not line["passed"]}
    assert document["passed"] is not bool(lines)
    assert token(rehearsal) not in json.dumps(document)
    return lines


def settled(rehearsal: Rehearsal, nodes: int = 3) -> bool:
    group = described(rehearsal)
    return group["Status"] == "available" and len(group["MemberClusters"]) == nodes


def change(rehearsal: Rehearsal, values: dict[str, Any]) -> None:
    """As a person would, past CloudFormation."""
    rehearsal.aws("elasticache").modify_replication_group(
        ReplicationGroupId=GROUP, ApplyImmediately=True, **values
    )
    eventually(lambda: settled(rehearsal), "the group to settle")


def test_what_is_deployed_passes(deployed: Rehearsal) -> None:
    assert failed(deployed) == {}


def test_properties_that_were_changed_by_hand_are_found(deployed: Rehearsal) -> None:
    window, maintenance = "SnapshotWindow", "PreferredMaintenanceWindow"
    wanted = {window: "02:00-03:00", maintenance: "sun:03:00-sun:05:00"}
    now = {window: "05:00-06:00", maintenance: "mon:07:00-mon:08:00"}
    change(deployed, now | {"SnapshotRetentionLimit": 3, "MultiAZEnabled": False})
    try:
        lines = failed(deployed)
    finally:
        change(deployed, wanted | {"SnapshotRetentionLimit": 7, "MultiAZEnabled": True})
    found = {f"group: {window}": now[window], f"nodes: {maintenance}": now[maintenance]}
    found |= {"group: SnapshotRetentionLimit": "3", "group: MultiAZ": "disabled"}
    assert lines.keys() == found.keys()
    for name, line in lines.items():
        assert found[name] in line["found"]
        assert line["todo"].endswith("/docs/runbook.md#health-group")


def test_a_parameter_that_was_changed_by_hand_is_found_and_noticed(deployed: Rehearsal) -> None:
    with by_hand.other_timeout(deployed):
        line = failed(deployed)["parameter timeout"]
        with pytest.raises(RehearsalError, match="parameter timeout"):
            check_group(deployed)
    assert (line["found"], line["wanted"]) == ("600", "300")


def test_a_replica_that_was_removed_is_found(deployed: Rehearsal) -> None:
    elasticache = deployed.aws("elasticache")
    asked = {"ReplicationGroupId": GROUP, "ApplyImmediately": True}
    elasticache.decrease_replica_count(**asked, NewReplicaCount=1)
    eventually(lambda: settled(deployed, nodes=2), "a replica to go")
    lines = failed(deployed)
    elasticache.increase_replica_count(**asked, NewReplicaCount=2)
    eventually(lambda: settled(deployed, nodes=3), "a replica to come")
    assert {"group: nodes", "replication", "write and read"} <= set(lines)
    assert lines["group: nodes"]["found"] == "2"
    eventually(lambda: not failed(deployed), "a check that passes again")


def test_a_token_that_the_group_never_heard_of_is_found_and_noticed(deployed: Rehearsal) -> None:
    before = token(deployed)
    with by_hand.other_token(deployed):
        lines = failed(deployed)
        with pytest.raises(Exception, match=r"WRONGPASS|invalid username-password pair"):
            checks.check_logins(deployed)
    assert {"login: primary", "login: reader", "write and read", "replication"} == set(lines)
    assert lines["login: primary"]["found"] == "AWSCURRENT's token is refused"
    assert before not in json.dumps(lines)


def test_an_alarm_that_was_deleted_is_found_and_noticed(deployed: Rehearsal) -> None:
    cloudwatch, name = deployed.aws("cloudwatch"), "vibewell-redis-production-swap-warning"
    alarm = by_hand.settings_of(deployed, name)
    cloudwatch.delete_alarms(AlarmNames=[name])
    lines = failed(deployed)
    with pytest.raises(RehearsalError, match="alarms: asked for"):
        checks.check_monitoring(deployed)
    cloudwatch.put_metric_alarm(**alarm)
    assert set(lines) == {"alarm swap-warning"}
    assert lines["alarm swap-warning"]["found"] == "0 there"
    assert failed(deployed) == {}


def test_an_alarm_that_was_switched_off_is_found(deployed: Rehearsal) -> None:
    cloudwatch, name = deployed.aws("cloudwatch"), "vibewell-redis-production-memory-critical"
    cloudwatch.disable_alarm_actions(AlarmNames=[name])
    try:
        lines = failed(deployed)
    finally:
        cloudwatch.enable_alarm_actions(AlarmNames=[name])
    assert set(lines) == {"alarm memory-critical"}
    assert "is disabled" in lines["alarm memory-critical"]["found"]


def test_a_topic_that_lost_its_subscriber_is_found(deployed: Rehearsal) -> None:
    sns, topic = deployed.aws("sns"), by_hand.named(deployed, "AWS::SNS::Topic", WARNING)
    (slack,) = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    sns.unsubscribe(SubscriptionArn=slack["SubscriptionArn"])
    lines = failed(deployed)
    sns.subscribe(TopicArn=topic, Protocol=slack["Protocol"], Endpoint=slack["Endpoint"])
    eventually(lambda: not failed(deployed), "the subscriber to confirm")
    expect_topic(lines, WARNING, "0 confirmed", unseen=slack["Endpoint"])


def test_events_that_nobody_puts_into_words_are_found(deployed: Rehearsal) -> None:
    def unsubscribe(resources: stacks.Resources) -> None:
        for name in [n for n, one in resources.items() if one["Type"] == SUBSCRIPTION]:
            if resources[name]["Properties"]["Protocol"] == "lambda":
                del resources[name]

    # A subscription that came back by hand would not be the one that CloudFormation knows.
    with stacks.changed(deployed, "vibewell-redis-production-monitoring", unsubscribe):
        expect_topic(failed(deployed), EVENTS, "0 confirmed")
    assert failed(deployed) == {}


def test_a_subscriber_who_never_confirmed_is_found(deployed: Rehearsal) -> None:
    sns, nobody = deployed.aws("sns"), "https://nobody.invalid/"
    topic = by_hand.named(deployed, "AWS::SNS::Topic", WARNING)
    sns.subscribe(TopicArn=topic, Protocol="https", Endpoint=nobody)
    lines = failed(deployed)
    # AWS forgets it after days; here the list of all topics' subscriptions says its ARN.
    for subscription in sns.list_subscriptions()["Subscriptions"]:
        if subscription["Endpoint"] == nobody:
            sns.unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])
    expect_topic(lines, WARNING, "1 confirmed, 1 not", unseen=nobody)
    assert failed(deployed) == {}


def expect_topic(lines: Lines, topic: str, found: str, *, unseen: str = "-") -> None:
    assert set(lines) == {f"topic {topic}"}
    assert lines[f"topic {topic}"]["found"].startswith(found)
    assert unseen == "-" or unseen not in json.dumps(lines)


def test_the_schedule_publishes_what_alarms_look_at(deployed: Rehearsal) -> None:
    function, since = functions.health_function(deployed), int(time.time() * 1000)
    functions.fire(deployed.aws, function)
    published = eventually(lambda: said_by(deployed, function, since), "a scheduled check")
    assert published["HealthCheckRan"] == 1
    assert published["HealthChecksFailed"] == len(published["failed"]) == 0
    assert published["HealthLoginsFailed"] == 0
