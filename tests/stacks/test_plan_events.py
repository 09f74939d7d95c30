"""ElastiCache's events on their way to people, as the templates make it."""

import json

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from tests.stacks import template
from tests.stacks.template import PREFIX, allowed, metric, topics
from tests.support import Stacks
from tools.assembly import Document, Stack

TOPIC_ARN = "arn:aws:sns:us-east-1:111122223333:vibewell-redis-production-events"
RULE_ARN = "arn:aws:events:us-east-1:111122223333:rule/vibewell-redis-production-server-values"


@pytest.fixture
def topic(data: Stack) -> Document:
    return data.only("AWS::SNS::Topic")


@pytest.fixture
def function(monitoring: Stack) -> Document:
    return template.function(monitoring, "events")


@pytest.mark.plan("3.3")
def test_the_group_tells_its_topic_of_events(templates: Stacks) -> None:
    for name in ("production", "staging", "development"):
        data = templates[f"vibewell-redis-{name}-data"]
        (topic,) = data.of_type("AWS::SNS::Topic")
        group = data.only("AWS::ElastiCache::ReplicationGroup")
        assert group["NotificationTopicArn"] == {"Ref": topic}


def test_elasticache_can_publish_to_it(data: Stack, topic: Document) -> None:
    # An encrypted topic, or another condition than aws:SourceOwner, is silent (ElastiCache user
    # guide, "SNS topic access policy requirement").
    assert "KmsMasterKeyId" not in topic
    policy = data.only("AWS::SNS::TopicPolicy")["PolicyDocument"]["Statement"]
    (allowed,) = (statement for statement in policy if statement["Effect"] == "Allow")
    assert allowed["Principal"] == {"AWS": "*"}
    assert allowed["Action"] == "sns:Publish"
    assert allowed["Condition"] == {"StringEquals": {"aws:SourceOwner": "111122223333"}}


def test_the_topic_is_open_before_the_group_is_made(data: Stack) -> None:
    group, _ = data.one("AWS::ElastiCache::ReplicationGroup")
    kinds = {data.resources[name]["Type"] for name in data.resources[group]["DependsOn"]}
    assert "AWS::SNS::TopicPolicy" in kinds


def test_giving_the_group_its_topic_replaces_nothing() -> None:
    kind = "AWS::ElastiCache::ReplicationGroup"
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema
    assert "NotificationTopicArn" in schema["properties"]
    for keyword in ("createOnlyProperties", "conditionalCreateOnlyProperties"):
        assert "/properties/NotificationTopicArn" not in schema[keyword]


@pytest.mark.plan("3.3")
def test_each_event_is_handed_to_the_function(monitoring: Stack, function: Document) -> None:
    subscription = monitoring.only("AWS::SNS::Subscription", Protocol="lambda")
    assert subscription["TopicArn"] == TOPIC_ARN
    permission = monitoring.only("AWS::Lambda::Permission", Principal="sns.amazonaws.com")
    assert permission["SourceArn"] == TOPIC_ARN
    assert permission["SourceAccount"] == "111122223333"
    assert "VpcConfig" not in function, "it must speak when the network does not"
    assert function["ReservedConcurrentExecutions"] == 1, "in the order in which they came"


def test_it_speaks_to_the_topic_that_the_channel_alone_reads(
    monitoring: Stack, function: Document
) -> None:
    variables = function["Environment"]["Variables"]
    assert variables["CHANNEL_TOPIC_ARN"] == topics(monitoring)["warning"]
    assert variables["RUNBOOK"].endswith("docs/runbook.md")
    assert variables["REPLICATION_GROUP_ID"] == "vibewell-redis"


def test_what_it_cannot_handle_is_kept_in_an_encrypted_queue(
    monitoring: Stack, function: Document
) -> None:
    queue, properties = monitoring.one("AWS::SQS::Queue")
    arn = {"Fn::GetAtt": [queue, "Arn"]}
    assert function["DeadLetterConfig"] == {"TargetArn": arn}
    subscription = monitoring.only("AWS::SNS::Subscription", Protocol="lambda")
    assert subscription["RedrivePolicy"] == {"deadLetterTargetArn": arn}
    assert properties["SqsManagedSseEnabled"] is True
    assert properties["MessageRetentionPeriod"] == 14 * 24 * 3600
    statements = monitoring.only("AWS::SQS::QueuePolicy")["PolicyDocument"]["Statement"]
    sources = {
        one["Principal"]["Service"]: one["Condition"]
        for one in statements
        if one["Effect"] == "Allow"
    }
    assert sources == {
        "sns.amazonaws.com": {"ArnEquals": {"aws:SourceArn": TOPIC_ARN}},
        "events.amazonaws.com": {"ArnEquals": {"aws:SourceArn": RULE_ARN}},
    }


def test_it_may_write_to_one_topic_one_queue_and_its_log(monitoring: Stack) -> None:
    found = allowed(monitoring, "events")
    assert set(found) == {"kms:Decrypt", "kms:GenerateDataKey", "sns:Publish", "sqs:SendMessage"}
    assert "*" not in json.dumps([found["sns:Publish"], found["kms:Decrypt"]])


@pytest.mark.parametrize(
    ("name", "read", "dimension", "value"),
    [
        (
            "serious-event-critical",
            ("VibeWell/Redis", "SeriousEvents"),
            "ReplicationGroup",
            "vibewell-redis",
        ),
        ("event-errors-warning", ("AWS/Lambda", "Errors"), "FunctionName", f"{PREFIX}-events"),
        (
            "events-unread-warning",
            ("AWS/SQS", "ApproximateNumberOfMessagesVisible"),
            "QueueName",
            f"{PREFIX}-events-unread",
        ),
    ],
)
def test_what_pages_and_what_reached_nobody_is_alarmed(
    monitoring: Stack, name: str, read: tuple[str, str], dimension: str, value: str
) -> None:
    alarm = template.alarm(monitoring, name)
    found = metric(alarm)
    assert (found["Namespace"], found["MetricName"]) == read
    assert found["Dimensions"] == [{"Name": dimension, "Value": value}]
    assert (alarm["Threshold"], alarm["TreatMissingData"]) == (0, "notBreaching")
    assert (alarm["EvaluationPeriods"], found["Period"]) == (1, 300)


def test_the_queue_has_the_name_that_its_alarm_watches(monitoring: Stack) -> None:
    assert monitoring.only("AWS::SQS::Queue")["QueueName"] == f"{PREFIX}-events-unread"
