"""ElastiCache's events on their way to people, as the templates make it."""

import json
from typing import Any

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from tests.support import Stacks
from tools.assembly import Document, Stack

FUNCTION = "vibewell-redis-production-events"
TOPIC_ARN = "arn:aws:sns:us-east-1:111122223333:vibewell-redis-production-events"
RULE_ARN = "arn:aws:events:us-east-1:111122223333:rule/vibewell-redis-production-server-values"


@pytest.fixture
def topic(data: Stack) -> Document:
    return data.only("AWS::SNS::Topic")


@pytest.fixture
def function(monitoring: Stack) -> Document:
    (found,) = (
        properties
        for properties in monitoring.of_type("AWS::Lambda::Function").values()
        if properties["FunctionName"] == FUNCTION
    )
    return found


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
    (group,) = (
        resource
        for resource in data.resources.values()
        if resource["Type"] == "AWS::ElastiCache::ReplicationGroup"
    )
    kinds = {data.resources[name]["Type"] for name in group["DependsOn"]}
    assert "AWS::SNS::TopicPolicy" in kinds


def test_giving_the_group_its_topic_replaces_nothing() -> None:
    kind = "AWS::ElastiCache::ReplicationGroup"
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema
    assert "NotificationTopicArn" in schema["properties"]
    for keyword in ("createOnlyProperties", "conditionalCreateOnlyProperties"):
        assert "/properties/NotificationTopicArn" not in schema[keyword]


@pytest.mark.plan("3.3")
def test_each_event_is_handed_to_the_function(monitoring: Stack, function: Document) -> None:
    (subscription,) = (
        properties
        for properties in monitoring.of_type("AWS::SNS::Subscription").values()
        if properties["Protocol"] == "lambda"
    )
    assert subscription["TopicArn"] == TOPIC_ARN
    (permission,) = (
        properties
        for properties in monitoring.of_type("AWS::Lambda::Permission").values()
        if properties["Principal"] == "sns.amazonaws.com"
    )
    assert permission["SourceArn"] == TOPIC_ARN
    assert permission["SourceAccount"] == "111122223333"
    assert "VpcConfig" not in function, "it must speak when the network does not"
    assert function["ReservedConcurrentExecutions"] == 1, "in the order in which they came"


def test_it_speaks_to_the_topic_that_the_channel_alone_reads(
    monitoring: Stack, function: Document
) -> None:
    (warning,) = (
        name
        for name, topic in monitoring.of_type("AWS::SNS::Topic").items()
        if topic["TopicName"].endswith("-warning")
    )
    variables = function["Environment"]["Variables"]
    assert variables["CHANNEL_TOPIC_ARN"] == {"Ref": warning}
    assert variables["RUNBOOK"].endswith("docs/runbook.md")
    assert variables["REPLICATION_GROUP_ID"] == "vibewell-redis"


def test_what_it_cannot_handle_is_kept_in_an_encrypted_queue(
    monitoring: Stack, function: Document
) -> None:
    (queue,) = monitoring.of_type("AWS::SQS::Queue")
    arn = {"Fn::GetAtt": [queue, "Arn"]}
    assert function["DeadLetterConfig"] == {"TargetArn": arn}
    (subscription,) = (
        properties
        for properties in monitoring.of_type("AWS::SNS::Subscription").values()
        if properties["Protocol"] == "lambda"
    )
    assert subscription["RedrivePolicy"] == {"deadLetterTargetArn": arn}
    properties = monitoring.only("AWS::SQS::Queue")
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
    (policy,) = (
        properties
        for properties in monitoring.of_type("AWS::IAM::ManagedPolicy").values()
        if properties["Description"] == f"What {FUNCTION} may do"
    )
    allowed: dict[str, Any] = {}
    for statement in policy["PolicyDocument"]["Statement"]:
        actions = statement["Action"]
        for action in actions if isinstance(actions, list) else [actions]:
            allowed[action] = statement["Resource"]
    assert set(allowed) == {
        "kms:Decrypt",
        "kms:GenerateDataKey",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "sns:Publish",
        "sqs:SendMessage",
    }
    assert "*" not in json.dumps([allowed[action] for action in ("sns:Publish", "kms:Decrypt")])


@pytest.mark.parametrize(
    ("name", "namespace", "metric", "dimension"),
    [
        (
            "serious-event-critical",
            "VibeWell/Redis",
            "SeriousEvents",
            {"Name": "ReplicationGroup", "Value": "vibewell-redis"},
        ),
        (
            "event-errors-warning",
            "AWS/Lambda",
            "Errors",
            {"Name": "FunctionName", "Value": "vibewell-redis-production-events"},
        ),
        (
            "events-unread-warning",
            "AWS/SQS",
            "ApproximateNumberOfMessagesVisible",
            {"Name": "QueueName", "Value": "vibewell-redis-production-events-unread"},
        ),
    ],
)
def test_what_pages_and_what_reached_nobody_is_alarmed(
    monitoring: Stack, name: str, namespace: str, metric: str, dimension: Document
) -> None:
    (alarm,) = (
        properties
        for properties in monitoring.of_type("AWS::CloudWatch::Alarm").values()
        if properties["AlarmName"] == f"vibewell-redis-production-{name}"
    )
    (query,) = alarm["Metrics"]
    found = query["MetricStat"]["Metric"]
    assert (found["Namespace"], found["MetricName"]) == (namespace, metric)
    assert found["Dimensions"] == [dimension]
    assert (alarm["Threshold"], alarm["TreatMissingData"]) == (0, "notBreaching")
    assert (alarm["EvaluationPeriods"], query["MetricStat"]["Period"]) == (1, 300)


def test_the_alarms_name_the_function_and_the_queue_that_are_deployed(
    monitoring: Stack, function: Document
) -> None:
    assert function["FunctionName"] == "vibewell-redis-production-events"
    queue = monitoring.only("AWS::SQS::Queue")
    assert queue["QueueName"] == "vibewell-redis-production-events-unread"
