"""Alarms on the embedded AWS: on their own metric alone, and lost where CloudWatch may not send."""

import json
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest

from emulator.cloudwatch.evaluation import State
from emulator.cloudwatch.evaluator import Evaluator
from rehearsal.common.rehearsal import Clients, Rehearsal
from tests.emulator.aws.conftest import aws, eventually

__all__ = ["aws"]

NOW = 1_800_000_000 // 60 * 60
ONE_NODE = [{"Name": "Node", "Value": "one"}]
PUBLISH = {
    "Effect": "Allow",
    "Principal": {"Service": "cloudwatch.amazonaws.com"},
    "Action": "sns:Publish",
    "Resource": "*",
}


def state(aws: Clients, name: str, **changed: Any) -> State:
    """Of an alarm with these properties, after its metric was beyond its threshold."""
    given = {
        "Namespace": name,
        "MetricName": "Load",
        "Dimensions": ONE_NODE,
        "Statistic": "Maximum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 5,
        "ComparisonOperator": "GreaterThanThreshold",
    }
    cloudwatch = aws("cloudwatch")
    cloudwatch.put_metric_alarm(AlarmName=name, **(given | changed))
    moment = datetime.fromtimestamp(NOW, UTC)
    datum = {"MetricName": "Load", "Dimensions": ONE_NODE, "Timestamp": moment, "Value": 6}
    cloudwatch.put_metric_data(Namespace=name, MetricData=[datum])
    return Evaluator(cloudwatch).evaluate(NOW + 60)[name]


def test_an_alarm_without_dimensions_is_not_on_metrics_that_have_some(aws: Clients) -> None:
    assert state(aws, f"Test/{uuid.uuid4()}", Dimensions=[]) is State.INSUFFICIENT_DATA


@pytest.mark.parametrize(
    ("attribute", "value", "why"),
    [
        (
            "Policy",
            json.dumps(
                {"Statement": PUBLISH | {"Condition": {"StringEquals": {"aws:SourceAccount": "1"}}}}
            ),
            "does not let cloudwatch.amazonaws.com do sns:Publish",
        ),
        ("KmsMasterKeyId", "alias/aws/sns", "alias/aws/sns"),
    ],
)
def test_what_cloudwatch_may_not_send_is_lost_and_says_why(
    aws: Clients, embedded_aws: Rehearsal, attribute: str, value: str, why: str
) -> None:
    name = f"test-{uuid.uuid4()}"
    topic = aws("sns").create_topic(Name=name)["TopicArn"]
    aws("sns").set_topic_attributes(TopicArn=topic, AttributeName=attribute, AttributeValue=value)
    assert state(aws, name, AlarmActions=[topic]) is State.ALARM
    failures = eventually(
        lambda: [
            failure for failure in embedded_aws.ask("alarm_failures") if failure["alarm"] == name
        ],
        "a message that is not sent",
    )
    assert why in failures[0]["why"]
