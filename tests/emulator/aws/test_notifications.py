"""What reaches Slack and PagerDuty, and what never would."""

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from emulator.aws.inbox import alarm_problem, custom_problem
from rehearsal.common.rehearsal import Clients
from tests.emulator.aws.helpers import Look, Stacks, eventually, resource

Arrived = Callable[[], list[dict[str, Any]]]
CHANNEL = "C0123456789"
CUSTOM = {"version": "1.0", "source": "custom", "content": {"description": "the token is new"}}


@pytest.fixture
def topic(stacks: Stacks) -> str:
    """A topic that Slack and PagerDuty follow, and an alarm that speaks to it."""
    stat = {"Metric": {"Namespace": "Test", "MetricName": "Size"}, "Period": 60, "Stat": "Maximum"}
    followed = {"Ref": "Topic"}
    name = stacks.made(
        {
            "Topic": resource("SNS::Topic"),
            "PagerDuty": resource(
                "SNS::Subscription",
                TopicArn=followed,
                Protocol="https",
                Endpoint="https://events.pagerduty.com/integration/a-test/enqueue",
            ),
            "Slack": resource(
                "Chatbot::SlackChannelConfiguration",
                ConfigurationName=f"test-{uuid.uuid4().hex[:8]}",
                IamRoleArn="arn:aws:iam::444455556666:role/chatbot",
                SlackChannelId=CHANNEL,
                SlackWorkspaceId="T0123456789",
                SnsTopicArns=[followed],
            ),
            "Alarm": resource(
                "CloudWatch::Alarm",
                ComparisonOperator="GreaterThanThreshold",
                EvaluationPeriods=1,
                Threshold=1,
                AlarmActions=[followed],
                Metrics=[
                    {"Id": "most", "Expression": "MAX([one])", "ReturnData": True},
                    {"Id": "one", "ReturnData": False, "MetricStat": stat},
                ],
            ),
        }
    )
    return stacks.physical_id(name, "Topic")


@pytest.fixture
def arrived(topic: str, look: Look) -> Arrived:
    return lambda: [message for message in look("messages") if message["topic"] == topic]


def test_both_subscriptions_are_confirmed_by_their_receivers(aws: Clients, topic: str) -> None:
    found = aws("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert len(found) == 2
    assert all(entry["SubscriptionArn"].startswith("arn:") for entry in found)


def test_an_alarm_is_shown_in_the_channel_and_pages(
    aws: Clients, topic: str, arrived: Arrived
) -> None:
    alarms = aws("cloudwatch").describe_alarms()["MetricAlarms"]
    (alarm,) = (found for found in alarms if topic in found["AlarmActions"])
    assert alarm["Metrics"][0]["Expression"] == "MAX([one])"
    aws("cloudwatch").set_alarm_state(
        AlarmName=alarm["AlarmName"], StateValue="ALARM", StateReason="a test"
    )
    eventually(lambda: len(arrived()) == 2, "two messages")
    assert {(m["service"], m["shown"]) for m in arrived()} == {("slack", True), ("pagerduty", True)}
    assert {m["channel"] for m in arrived() if m["service"] == "slack"} == {CHANNEL}
    assert json.loads(arrived()[0]["message"])["NewStateValue"] == "ALARM"


def test_a_custom_notification_is_shown_in_the_channel_and_does_not_page(
    aws: Clients, topic: str, arrived: Arrived
) -> None:
    aws("sns").publish(TopicArn=topic, Message=json.dumps(CUSTOM))
    eventually(lambda: len(arrived()) == 2, "two messages")
    assert {m["service"]: m["shown"] for m in arrived()} == {"slack": True, "pagerduty": False}


def test_free_text_is_shown_nowhere(aws: Clients, topic: str, arrived: Arrived) -> None:
    aws("sns").publish(TopicArn=topic, Message="something happened")
    eventually(lambda: len(arrived()) == 2, "two messages")
    assert not any(m["shown"] for m in arrived())
    assert "a-test" not in json.dumps(arrived()), "PagerDuty's address is the key to the service"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"version": "2.0"}, "version"),
        ({"source": "ours"}, "source"),
        ({"content": {"title": "no description"}}, "description"),
        ({"content": {"description": "x", "textType": "html"}}, "client-markdown"),
        ({"content": {"description": "x", "picture": "https://…"}}, "picture"),
        ({"content": {"description": "x", "nextSteps": "one"}}, "nextSteps"),
        ({"metadata": {"threadId": 7}}, "threadId"),
        ({"severity": "high"}, "severity"),
    ],
)
def test_a_custom_notification_of_another_shape_is_never_shown(
    change: dict[str, Any], problem: str
) -> None:
    assert custom_problem(json.dumps(CUSTOM)) is None
    assert problem in str(custom_problem(json.dumps(CUSTOM | change)))


def test_only_an_alarm_message_has_the_fields_of_one() -> None:
    assert alarm_problem("down") == "it is not JSON"
    assert "NewStateValue" in str(alarm_problem('{"AlarmName": "a"}'))
