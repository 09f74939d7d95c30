"""Small stacks on the embedded AWS: an alarm is evaluated on its own metric and tells its topic."""

import json
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from emulator.cloudwatch.evaluation import State
from emulator.cloudwatch.evaluator import Evaluator
from rehearsal.common.clients import Clients
from rehearsal.common.rehearsal import Rehearsal
from tests.emulator.aws.helpers import Stacks, eventually

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
def aws(embedded_aws: Rehearsal) -> Clients:
    return embedded_aws.aws


@pytest.fixture
def namespace() -> str:
    return f"Test/{uuid.uuid4().hex[:8]}"


@pytest.fixture
def stacks(aws: Clients) -> Iterator[Stacks]:
    made = Stacks(aws)
    yield made
    made.clean_up()


@pytest.fixture
def told(embedded_aws: Rehearsal) -> Callable[[str], list[dict[str, Any]]]:
    """What PagerDuty showed of the alarms whose names begin so."""

    def find(prefix: str) -> list[dict[str, Any]]:
        shown = [one for one in embedded_aws.ask("messages") if one["shown"]]
        found = [json.loads(one["message"]) for one in shown if one["service"] == "pagerduty"]
        return [one for one in found if one.get("AlarmName", "").startswith(prefix)]

    return find


@pytest.fixture
def lost(embedded_aws: Rehearsal) -> Callable[[str], list[str]]:
    """Why messages of the alarms whose names begin so were not sent."""

    def find(prefix: str) -> list[str]:
        failures = embedded_aws.ask("alarm_failures")
        return [one["why"] for one in failures if one["alarm"].startswith(prefix)]

    return find


def alarm(namespace: str, **properties: Any) -> Resources:
    stat = {
        "Metric": {
            "Namespace": namespace,
            "MetricName": "Load",
            "Dimensions": [{"Name": "Node", "Value": "one"}],
        },
        "Period": 60,
        "Stat": "Maximum",
    }
    return {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
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
            **properties,
        },
    }


def topic(*statements: Resources, key: Any = None) -> Resources:
    resources: Resources = {
        "Topic": {
            "Type": "AWS::SNS::Topic",
            "Properties": {"KmsMasterKeyId": key} if key else {},
        },
        "Pager": {
            "Type": "AWS::SNS::Subscription",
            "Properties": {"TopicArn": {"Ref": "Topic"}, "Protocol": "https", "Endpoint": PAGER},
        },
    }
    if statements:
        resources["Policy"] = {
            "Type": "AWS::SNS::TopicPolicy",
            "Properties": {
                "Topics": [{"Ref": "Topic"}],
                "PolicyDocument": {"Version": "2012-10-17", "Statement": list(statements)},
            },
        }
    return resources


def key(*statements: Resources) -> Resources:
    policy = {"Version": "2012-10-17", "Statement": [ROOT, *statements]}
    return {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": policy}}


def publish(aws: Clients, namespace: str, value: float, minute: int, node: str = "one") -> None:
    aws("cloudwatch").put_metric_data(
        Namespace=namespace,
        MetricData=[
            {
                "MetricName": "Load",
                "Dimensions": [{"Name": "Node", "Value": node}],
                "Timestamp": datetime.fromtimestamp(minute, UTC),
                "Value": value,
            }
        ],
    )


def evaluate(aws: Clients, namespace: str, now: int) -> State:
    return Evaluator(aws("cloudwatch")).evaluate(now)[f"{namespace}-load"]


def test_an_alarm_speaks_once_and_tells_when_it_is_over(
    aws: Clients, stacks: Stacks, namespace: str, told: Callable[[str], Any]
) -> None:
    stacks.create({**topic(), "Alarm": alarm(namespace)})
    publish(aws, namespace, 6, NOW)
    assert evaluate(aws, namespace, NOW + 60) is State.ALARM
    assert evaluate(aws, namespace, NOW + 60) is State.ALARM
    publish(aws, namespace, 5, NOW + 60)
    assert evaluate(aws, namespace, NOW + 120) is State.OK
    messages = eventually(lambda: told(namespace) if len(told(namespace)) == 2 else None, "2")
    assert [one["NewStateValue"] for one in messages] == ["ALARM", "OK"]
    assert messages[0]["OldStateValue"] == "INSUFFICIENT_DATA"
    assert messages[0]["NewStateReason"].startswith("Threshold Crossed: 1 out of the last 1")
    assert messages[0]["Trigger"]["Metrics"][0]["Expression"] == "MAX([a1])"


def test_an_alarm_on_another_dimension_hears_nothing(
    aws: Clients, stacks: Stacks, namespace: str
) -> None:
    stacks.create({**topic(), "Alarm": alarm(namespace)})
    publish(aws, namespace, 6, NOW, node="two")
    assert evaluate(aws, namespace, NOW + 60) is State.INSUFFICIENT_DATA


def test_an_alarm_without_dimensions_hears_nothing_of_those_that_have_some(
    aws: Clients, stacks: Stacks, namespace: str
) -> None:
    wrong = alarm(namespace)
    wrong["Properties"]["Metrics"][1]["MetricStat"]["Metric"]["Dimensions"] = []
    stacks.create({**topic(), "Alarm": wrong})
    publish(aws, namespace, 6, NOW)
    assert evaluate(aws, namespace, NOW + 60) is State.INSUFFICIENT_DATA


def test_an_alarm_on_one_metric_without_metric_math_is_evaluated_too(
    aws: Clients, stacks: Stacks, namespace: str, told: Callable[[str], Any]
) -> None:
    single = {
        "Metrics": {"Ref": "AWS::NoValue"},
        "Namespace": namespace,
        "MetricName": "Load",
        "Dimensions": [{"Name": "Node", "Value": "one"}],
        "Statistic": "Maximum",
        "Period": 60,
    }
    stacks.create({**topic(), "Alarm": alarm(namespace, **single)})
    publish(aws, namespace, 6, NOW)
    assert evaluate(aws, namespace, NOW + 60) is State.ALARM
    (message,) = eventually(lambda: told(namespace), "a message")
    assert message["Trigger"]["MetricName"] == "Load"


def test_an_alarm_whose_actions_are_off_says_nothing(
    aws: Clients, stacks: Stacks, namespace: str, told: Callable[[str], Any]
) -> None:
    silent = alarm(namespace, ActionsEnabled=False)
    other = alarm(namespace, AlarmName=f"{namespace}-spoken")
    stacks.create({**topic(), "Alarm": silent, "Other": other})
    publish(aws, namespace, 6, NOW)
    assert evaluate(aws, namespace, NOW + 60) is State.ALARM
    eventually(lambda: told(f"{namespace}-spoken"), "the other alarm's message")
    assert told(f"{namespace}-load") == []


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
    aws: Clients,
    stacks: Stacks,
    namespace: str,
    told: Callable[[str], Any],
    resources: Resources,
) -> None:
    stacks.create({**resources, "Alarm": alarm(namespace)})
    publish(aws, namespace, 6, NOW)
    evaluate(aws, namespace, NOW + 60)
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
    aws: Clients,
    stacks: Stacks,
    namespace: str,
    told: Callable[[str], Any],
    lost: Callable[[str], list[str]],
    resources: Resources,
    why: str,
) -> None:
    stacks.create({**resources, "Alarm": alarm(namespace)})
    publish(aws, namespace, 6, NOW)
    evaluate(aws, namespace, NOW + 60)
    (reason,) = eventually(lambda: lost(namespace), "a failure")
    assert why in reason
    assert told(namespace) == []
