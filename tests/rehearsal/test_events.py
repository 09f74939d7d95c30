"""A failover is read in the channel; a topic that ElastiCache cannot use is seen to be silent."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from emulator.clean_environment import ACCOUNT
from rehearsal.common import functions
from rehearsal.common.deployed import settled
from rehearsal.common.errors import RehearsalError, eventually
from rehearsal.common.rehearsal import Rehearsal

GROUP = "vibewell-redis"


@pytest.fixture
def topic(deployed: Rehearsal) -> str:
    return functions.topic_of(deployed)


def switch_on(deployed: Rehearsal) -> None:
    deployed.aws("elasticache").modify_replication_group(
        ReplicationGroupId=GROUP, NotificationTopicStatus="active", ApplyImmediately=True
    )
    settled(deployed, GROUP)


@contextmanager
def attribute(deployed: Rehearsal, topic: str, name: str, value: str) -> Iterator[None]:
    """The topic with another attribute, as long as this lasts."""
    sns = deployed.aws("sns")
    before = sns.get_topic_attributes(TopicArn=topic)["Attributes"].get(name, "")
    sns.set_topic_attributes(TopicArn=topic, AttributeName=name, AttributeValue=value)
    try:
        yield
    finally:
        sns.set_topic_attributes(TopicArn=topic, AttributeName=name, AttributeValue=before)
        switch_on(deployed)


def shown(deployed: Rehearsal, word: str) -> list[dict[str, Any]]:
    return [one for one in deployed.ask("messages") if one["shown"] and word in one["message"]]


@pytest.mark.plan("3.3")
def test_a_failover_is_read_in_the_channel_in_plain_words(deployed: Rehearsal) -> None:
    assert "Failover" in functions.check_events(deployed)
    (*_, last) = shown(deployed, "a replica took over")
    assert last["service"] == "slack"
    content = json.loads(last["message"])["content"]
    assert content["title"] == f"Redis {GROUP}: Failover"
    assert content["description"].startswith(f"{GROUP} has a new primary")
    assert content["nextSteps"][0].endswith("docs/runbook.md#events")


def test_a_snapshot_is_read_in_the_channel(deployed: Rehearsal) -> None:
    before = len(shown(deployed, "Snapshot taken"))
    deployed.ask("take_automatic_snapshot", group=GROUP)
    eventually(lambda: len(shown(deployed, "Snapshot taken")) > before, "a snapshot")


BY_ACCOUNT = {
    "Effect": "Allow",
    "Principal": {"AWS": "*"},
    "Action": "sns:Publish",
    "Resource": "*",
    "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KmsMasterKeyId", "alias/aws/sns"),
        ("Policy", json.dumps({"Statement": [BY_ACCOUNT]})),
    ],
    ids=["an encrypted topic", "a policy by aws:SourceAccount"],
)
def test_a_topic_that_elasticache_cannot_use_is_noticed(
    deployed: Rehearsal, topic: str, name: str, value: str
) -> None:
    changed = attribute(deployed, topic, name, value)
    with changed, pytest.raises(RehearsalError, match="ElastiCache"):
        functions.check_events(deployed)
    assert "Failover" in functions.check_events(deployed), (
        "once mended and switched on it speaks again"
    )


def test_what_is_no_message_of_sns_waits_in_the_queue_of_unread_events(deployed: Rehearsal) -> None:
    sqs = deployed.aws("sqs")
    queue = sqs.get_queue_url(QueueName="vibewell-redis-production-events-unread")["QueueUrl"]
    deployed.aws("lambda").invoke(
        FunctionName="vibewell-redis-production-events",
        InvocationType="Event",
        Payload=json.dumps({"what": "is this"}),
    )

    def waiting() -> Any:
        return sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1).get("Messages")

    (message,) = eventually(waiting, "the message in the queue")
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    assert json.loads(message["Body"]) == {"what": "is this"}


def test_an_unknown_event_is_read_in_the_channel_as_it_came(
    deployed: Rehearsal, topic: str
) -> None:
    deployed.aws("sns").publish(
        TopicArn=topic, Message=json.dumps({"ElastiCache:NeverHeardOf": "vibewell-redis-002"})
    )
    eventually(lambda: shown(deployed, "NeverHeardOf, of vibewell-redis-002"), "the event")


@pytest.mark.plan("5.3")
def test_a_server_without_its_values_is_told_of_in_the_channel(deployed: Rehearsal) -> None:
    def ran(server: str, status: str, document: str = "server-values") -> None:
        detail = {
            "association-id": "34fcb7e0-9a14-4984-9989-0e04e3f60bd8",
            "instance-id": server,
            "document-name": f"vibewell-redis-production-{document}",
            "status": status,
        }
        deployed.ask(
            "emit",
            source="aws.ssm",
            kind="EC2 State Manager Instance Association State Change",
            detail=json.dumps(detail),
        )

    ran("i-00000000000000001", "Success")
    ran("i-00000000000000002", "Failed", "of-somebody-else")
    ran("i-00000000000000003", "Failed")
    eventually(lambda: shown(deployed, "i-00000000000000003 has not the kernel"), "the message")
    assert not shown(deployed, "i-00000000000000001")
    assert not shown(deployed, "i-00000000000000002")
