"""Small stacks on the embedded AWS: an alarm is evaluated on its own metric and tells its topic."""

import json
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest

from emulator.cloudwatch.evaluation import State
from emulator.cloudwatch.evaluator import Evaluator
from rehearsal.common.rehearsal import Rehearsal
from tests.emulator.aws.conftest import aws, stacks
from tests.emulator.aws.helpers import Look, Stacks, eventually, resource

__all__ = ["aws", "stacks"]

PAGER = "https://events.pagerduty.com/integration/test/enqueue"
NOW = 1_800_000_000 // 60 * 60
CLOUDWATCH = {"Service": "cloudwatch.amazonaws.com"}
MAY_PUBLISH = {"Effect": "Allow", "Principal": CLOUDWATCH, "Action": "sns:Publish", "Resource": "*"}
ROOT = {
    "Effect": "Allow",
    "Principal": {"AWS": {"Fn::Sub": "arn:aws:iam::${AWS::AccountId}:root"}},
    "Action": "kms:*",
    "Resource": "*",
}
MAY_ENCRYPT = {
    "Effect": "Allow",
    "Principal": CLOUDWATCH,
    "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
    "Resource": "*",
}
Resources = dict[str, Any]


@pytest.fixture
def namespace() -> str:
    return f"Test/{uuid.uuid4().hex[:8]}"


@pytest.fixture
def told(embedded_aws: Rehearsal) -> Look:
    """What PagerDuty showed of the alarms whose names begin so."""

    def find(prefix: str) -> list[dict[str, Any]]:
        shown = [one for one in embedded_aws.ask("messages") if one["shown"]]
        found = [json.loads(one["message"]) for one in shown if one["service"] == "pagerduty"]
        return [one for one in found if one.get("AlarmName", "").startswith(prefix)]

    return find


@pytest.fixture
def lost(embedded_aws: Rehearsal) -> Look:
    """Why messages of the alarms whose names begin so were not sent."""

    def find(prefix: str) -> list[str]:
        failures = embedded_aws.ask("alarm_failures")
        return [one["why"] for one in failures if one["alarm"].startswith(prefix)]

    return find


def dimension(node: str) -> list[dict[str, str]]:
    return [{"Name": "Node", "Value": node}]


def alarm(namespace: str, **properties: Any) -> Resources:
    metric = {"Namespace": namespace, "MetricName": "Load", "Dimensions": dimension("one")}
    stat = {"Metric": metric, "Period": 60, "Stat": "Maximum"}
    default = {
        "AlarmName": f"{namespace}-load",
        "ComparisonOperator": "GreaterThanThreshold",
        "EvaluationPeriods": 1,
        "Threshold": 5,
        "Metrics": [
            {"Id": "figure", "Expression": "MAX([a1])", "ReturnData": True},
            {"Id": "a1", "MetricStat": stat, "ReturnData": False},
        ],
        "AlarmActions": [{"Ref": "Topic"}],
        "OKActions": [{"Ref": "Topic"}],
    }
    return resource("CloudWatch::Alarm", **(default | properties))


def topic(*statements: Resources, key: Any = None) -> Resources:
    pager = {"TopicArn": {"Ref": "Topic"}, "Protocol": "https", "Endpoint": PAGER}
    resources: Resources = {
        "Topic": resource("SNS::Topic", **({"KmsMasterKeyId": key} if key else {})),
        "Pager": resource("SNS::Subscription", **pager),
    }
    if statements:
        document = {"Version": "2012-10-17", "Statement": list(statements)}
        resources["Policy"] = resource(
            "SNS::TopicPolicy", Topics=[{"Ref": "Topic"}], PolicyDocument=document
        )
    return resources


def key(*statements: Resources) -> Resources:
    policy = {"Version": "2012-10-17", "Statement": [ROOT, *statements]}
    return resource("KMS::Key", KeyPolicy=policy)


def publish(stacks: Stacks, namespace: str, value: float, minute: int, node: str = "one") -> None:
    stacks.aws("cloudwatch").put_metric_data(
        Namespace=namespace,
        MetricData=[
            {
                "MetricName": "Load",
                "Dimensions": dimension(node),
                "Timestamp": datetime.fromtimestamp(minute, UTC),
                "Value": value,
            }
        ],
    )


def evaluate(stacks: Stacks, namespace: str, now: int) -> State:
    return Evaluator(stacks.aws("cloudwatch")).evaluate(now)[f"{namespace}-load"]


def test_an_alarm_on_another_dimension_hears_nothing(stacks: Stacks, namespace: str) -> None:
    stacks.create({**topic(), "Alarm": alarm(namespace)})
    publish(stacks, namespace, 6, NOW, node="two")
    assert evaluate(stacks, namespace, NOW + 60) is State.INSUFFICIENT_DATA


def test_an_alarm_without_dimensions_hears_nothing_of_those_that_have_some(
    stacks: Stacks, namespace: str
) -> None:
    wrong = alarm(namespace)
    wrong["Properties"]["Metrics"][1]["MetricStat"]["Metric"]["Dimensions"] = []
    stacks.create({**topic(), "Alarm": wrong})
    publish(stacks, namespace, 6, NOW)
    assert evaluate(stacks, namespace, NOW + 60) is State.INSUFFICIENT_DATA


@pytest.mark.parametrize(
    "resources",
    [
        topic(),
        topic(MAY_PUBLISH),
        {**topic(MAY_PUBLISH, key={"Ref": "Key"}), "Key": key(MAY_ENCRYPT)},
    ],
    ids=["default policy", "own policy", "own key"],
)
def test_cloudwatch_publishes_where_the_policies_let_it(
    stacks: Stacks, namespace: str, told: Look, resources: Resources
) -> None:
    stacks.create({**resources, "Alarm": alarm(namespace)})
    publish(stacks, namespace, 6, NOW)
    evaluate(stacks, namespace, NOW + 60)
    assert eventually(lambda: told(namespace), "a message")


@pytest.mark.parametrize(
    ("resources", "why"),
    [
        (
            topic(MAY_PUBLISH | {"Principal": {"Service": "events.amazonaws.com"}}),
            "does not let cloudwatch.amazonaws.com do sns:Publish",
        ),
        (
            topic(MAY_PUBLISH | {"Condition": {"StringEquals": {"aws:SourceAccount": "1"}}}),
            "does not let cloudwatch.amazonaws.com do sns:Publish",
        ),
        (
            {**topic(MAY_PUBLISH, key={"Ref": "Key"}), "Key": key()},
            "does not let cloudwatch.amazonaws.com do kms:GenerateDataKey",
        ),
        (topic(MAY_PUBLISH, key="alias/aws/sns"), "alias/aws/sns"),
    ],
    ids=["another service", "another account", "key without statement", "key of AWS"],
)
def test_what_cloudwatch_may_not_send_is_lost_and_says_why(
    stacks: Stacks, namespace: str, told: Look, lost: Look, resources: Resources, why: str
) -> None:
    stacks.create({**resources, "Alarm": alarm(namespace)})
    publish(stacks, namespace, 6, NOW)
    evaluate(stacks, namespace, NOW + 60)
    (reason,) = eventually(lambda: lost(namespace), "a failure")
    assert why in reason
    assert told(namespace) == []
