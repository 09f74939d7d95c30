"""Alarms removed or loosened on our own templates: no alarm falls silent by a change unseen."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import Stacks
from tests.tools.review.test_data import setting
from tests.tools.review.world import ALARM, Change, World, found, reviewed
from tools.review.alarms import loosened
from tools.review.estate import Address, Resource
from tools.review.findings import What

TOPIC = "AWS::SNS::Topic"
SUBSCRIPTION = "AWS::SNS::Subscription"
SLACK = "AWS::Chatbot::SlackChannelConfiguration"
SCHEDULE = "AWS::Scheduler::Schedule"
RULE = "AWS::Events::Rule"
ROTATION = "AWS::SecretsManager::RotationSchedule"
CRITICAL = "vibewell-redis-production-memory-critical"


def higher(world: World) -> None:
    world.of(ALARM, AlarmName="memory-critical")["Threshold"] += 5


def lower(world: World) -> None:
    alarm = world.of(ALARM, ComparisonOperator="LessThan")
    alarm["Threshold"] -= 1


def slower(world: World) -> None:
    world.of(ALARM, AlarmName="memory-critical").update(EvaluationPeriods=9, DatapointsToAlarm=9)


def other_dimension(world: World) -> None:
    alarm = world.of(ALARM, AlarmName="memory-critical")
    alarm["Metrics"][1]["MetricStat"]["Metric"]["Dimensions"][0]["Value"] = "other-001"


def a_node_less(world: World) -> None:
    world.of(ALARM, AlarmName="memory-critical")["Metrics"].pop()


def longer_periods(world: World) -> None:
    world.of(ALARM, AlarmName="memory-critical")["Metrics"][1]["MetricStat"]["Period"] = 3600


def nobody_acts(world: World) -> None:
    world.of(ALARM, AlarmName="memory-critical")["AlarmActions"] = []


def in_silence(world: World) -> None:
    world.of(ALARM, AlarmName="not-reporting")["TreatMissingData"] = "notBreaching"


def one_topic_less(world: World) -> None:
    world.of(SLACK)["SnsTopicArns"].pop()


def cloudwatch_may_not_publish(world: World) -> None:
    _, name, _ = world.where(TOPIC, TopicName="critical")
    policy = world.of("AWS::SNS::TopicPolicy", Topics=[{"Ref": name}])
    policy["PolicyDocument"]["Statement"].pop()


def key_without_cloudwatch(world: World) -> None:
    key = world.of("AWS::KMS::Key", Description="Alarm messages")
    key["KeyPolicy"]["Statement"].pop(1)


LOOSENED: list[tuple[str, Change, What, str]] = [
    ("an alarm leaves", lambda w: w.remove(ALARM), What.LOOSEN, ALARM),
    ("a higher threshold", higher, What.LOOSEN, ALARM),
    ("a lower threshold where less is bad", lower, What.LOOSEN, ALARM),
    ("more periods", slower, What.LOOSEN, ALARM),
    ("longer periods", longer_periods, What.LOOSEN, ALARM),
    (
        "another comparison",
        setting(ALARM, "ComparisonOperator", "LessThanThreshold"),
        What.LOOSEN,
        ALARM,
    ),
    ("another dimension", other_dimension, What.LOOSEN, ALARM),
    ("a node less", a_node_less, What.LOOSEN, ALARM),
    ("no actions", nobody_acts, What.LOOSEN, ALARM),
    ("actions off", setting(ALARM, "ActionsEnabled", False), What.LOOSEN, ALARM),
    ("silence is no news", in_silence, What.LOOSEN, ALARM),
    ("the topic leaves", lambda w: w.remove(TOPIC, TopicName="critical"), What.LOOSEN, TOPIC),
    (
        "the topic is renamed",
        lambda w: w.of(TOPIC, TopicName="critical").__setitem__("TopicName", "x"),
        What.LOOSEN,
        TOPIC,
    ),
    (
        "PagerDuty hears nothing",
        lambda w: w.remove(SUBSCRIPTION, Protocol="https"),
        What.LOOSEN,
        SUBSCRIPTION,
    ),
    (
        "somebody else is paged",
        lambda w: w.of(SUBSCRIPTION, Protocol="https").__setitem__(
            "Endpoint", "https://x.example/1"
        ),
        What.LOOSEN,
        SUBSCRIPTION,
    ),
    ("Slack leaves", lambda w: w.remove(SLACK), What.LOOSEN, SLACK),
    ("Slack hears half", one_topic_less, What.LOOSEN, SLACK),
    ("another channel", setting(SLACK, "SlackChannelId", "C0OTHER"), What.LOOSEN, SLACK),
    ("alarms may not publish", cloudwatch_may_not_publish, What.LOOSEN, "AWS::SNS::TopicPolicy"),
    ("alarms may not use the key", key_without_cloudwatch, What.INTERRUPT, "AWS::KMS::Key"),
    (
        "events are not read",
        lambda w: w.remove(SUBSCRIPTION, Protocol="lambda"),
        What.LOOSEN,
        SUBSCRIPTION,
    ),
    ("a schedule leaves", lambda w: w.remove(SCHEDULE), What.LOOSEN, SCHEDULE),
    ("a schedule is off", setting(SCHEDULE, "State", "DISABLED"), What.LOOSEN, SCHEDULE),
    ("a rule is off", setting(RULE, "State", "DISABLED"), What.LOOSEN, RULE),
    ("no rotation", lambda w: w.remove(ROTATION), What.LOOSEN, ROTATION),
    (
        "a function never runs",
        setting("AWS::Lambda::Function", "ReservedConcurrentExecutions", 0),
        What.LOOSEN,
        "AWS::Lambda::Function",
    ),
]


@pytest.mark.parametrize(
    ("change", "what", "kind"), [pytest.param(*danger, id=name) for name, *danger in LOOSENED]
)
def test_no_alarm_falls_silent_unnoticed(
    production_stacks: Stacks, change: Change, what: What, kind: str
) -> None:
    review = reviewed(production_stacks, change)
    assert not review.passes
    assert found(review, what, kind), review.findings


def alarm(**properties: Any) -> Resource:
    plain = {name: str(value) for name, value in properties.items()}
    return Resource(Address("s", "A"), ALARM, plain, {})


BASIC = {"ComparisonOperator": "GreaterThanThreshold", "Threshold": 5, "EvaluationPeriods": 3}


@pytest.mark.parametrize(
    ("change", "looser"),
    [
        ({"Threshold": 6}, True),
        ({"Threshold": 4}, False),
        ({"ComparisonOperator": "GreaterThanOrEqualToThreshold"}, False),
        ({"EvaluationPeriods": 4}, True),
        ({"EvaluationPeriods": 2}, False),
        ({"DatapointsToAlarm": 2}, False),
        ({"EvaluationPeriods": 5, "DatapointsToAlarm": 3}, False),
        ({"TreatMissingData": "notBreaching"}, True),
        ({"TreatMissingData": "breaching"}, False),
        ({"Statistic": "Maximum"}, True),  # what it was is not told: metric math has none
        ({"Unit": "Bytes"}, True),
        ({"AlarmDescription": "x"}, False),
    ],
)
def test_a_change_is_looser_in_the_direction_of_its_comparison(
    change: dict[str, Any], looser: bool
) -> None:
    assert bool(list(loosened(alarm(**BASIC), alarm(**{**BASIC, **change})))) is looser


def goes_off(points: list[bool], wanted: int, periods: int) -> bool:
    """Whether any stretch of so many periods holds so many breaching points."""
    return any(sum(points[at : at + periods]) >= wanted for at in range(len(points)))


@settings(max_examples=400)
@given(
    st.lists(st.booleans(), min_size=1, max_size=14),
    *[st.integers(1, 6) for _ in range(4)],
)
def test_what_is_called_no_looser_goes_off_whenever_it_did(
    points: list[bool], was: int, more: int, becomes: int, more_then: int
) -> None:
    before = {**BASIC, "EvaluationPeriods": was + more, "DatapointsToAlarm": was}
    after = {**BASIC, "EvaluationPeriods": becomes + more_then, "DatapointsToAlarm": becomes}
    if not list(loosened(alarm(**before), alarm(**after))):
        # The stretch is padded: what is missing is not breaching.
        padded = [False] * 12 + points + [False] * 12
        if goes_off(padded, was, was + more):
            assert goes_off(padded, becomes, becomes + more_then)
