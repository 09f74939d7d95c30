"""The scenario passes on what is deployed, and fails on a build whose alarms would stay silent."""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest

from environments.load import load
from rehearsal.alarms.steps import AlarmScenario
from rehearsal.alarms.table import drives
from rehearsal.common import stacks
from rehearsal.common.errors import RehearsalError
from rehearsal.common.rehearsal import Rehearsal
from rehearsal.common.steps import follow

STACK = "vibewell-redis-production-monitoring"


# One alarm of each kind: with all of them the scenario takes minutes.
SHORT = (
    "memory-warning",
    "hit-rate-warning",
    "replication-lag-critical",
    "not-reporting-critical",
    "token-disagreement-critical",
    "login-without-password-critical",
    "serious-event-critical",
    "health-not-run-warning",
)


@pytest.fixture(scope="module", autouse=True)
def _calm(deployed: Rehearsal) -> Iterator[None]:
    """The alarms are left OK, as they were found. (Each scenario begins with its own.)"""
    yield
    AlarmScenario().begin(deployed)


def changed(
    deployed: Rehearsal, change: Callable[[stacks.Resources], None]
) -> AbstractContextManager[None]:
    """The stack with a change in its resources, as long as this lasts."""
    return stacks.changed(deployed, STACK, change)


def alarm(resources: stacks.Resources, name: str) -> stacks.Resources:
    found: stacks.Resources
    (found,) = (
        one["Properties"]
        for one in resources.values()
        if one["Type"] == "AWS::CloudWatch::Alarm"
        and one["Properties"]["AlarmName"].endswith(f"-{name}")
    )
    return found


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(None, marks=pytest.mark.long, id="all"),
        pytest.param(SHORT, id="one of each kind"),
    ],
)
def test_every_alarm_goes_there_and_back_and_is_heard_where_the_plan_says(
    deployed: Rehearsal, names: tuple[str, ...] | None
) -> None:
    said = follow(deployed, AlarmScenario(names).steps)[-1]
    expected = len(names) if names else len(drives(load("production")))
    assert re.match(rf"\d+ of {expected} alarms", said)
    assert "CloudWatch minute lasts" in said


@pytest.mark.parametrize(("name", "query_id"), [("swap-warning", "a1"), ("hit-rate-warning", "b3")])
def test_an_alarm_on_a_wrong_dimension_of_one_node_fails_the_scenario(
    deployed: Rehearsal, name: str, query_id: str
) -> None:
    def break_it(resources: stacks.Resources) -> None:
        (query,) = (one for one in alarm(resources, name)["Metrics"] if one["Id"] == query_id)
        query["MetricStat"]["Metric"]["Dimensions"][0]["Value"] += "-0001"

    with changed(deployed, break_it):
        scenario = AlarmScenario([name])
        scenario.begin(deployed)
        with pytest.raises(RehearsalError, match=f"{name} is OK and not ALARM"):
            scenario.each_node(deployed)


@pytest.mark.parametrize(
    ("name", "treatment"),
    [
        ("not-reporting-critical", "missing"),
        pytest.param("not-reporting-critical", "ignore", marks=pytest.mark.long),
        pytest.param("replication-lag-critical", "ignore", marks=pytest.mark.long),
        ("memory-critical", "notBreaching"),
    ],
)
def test_another_treatment_of_missing_data_fails_the_scenario(
    deployed: Rehearsal, name: str, treatment: str
) -> None:
    def break_it(resources: stacks.Resources) -> None:
        alarm(resources, name)["TreatMissingData"] = treatment

    with changed(deployed, break_it):
        scenario = AlarmScenario([name])
        scenario.begin(deployed)
        with pytest.raises(RehearsalError, match=f"{name} is .* while no node publishes"):
            scenario.all_silent(deployed)


@pytest.mark.parametrize("by", [pytest.param(-1, marks=pytest.mark.long), 1])
def test_a_threshold_that_is_not_the_plans_fails_the_scenario(deployed: Rehearsal, by: int) -> None:
    def break_it(resources: stacks.Resources) -> None:
        alarm(resources, "connections-critical")["Threshold"] += by

    with changed(deployed, break_it):
        scenario = AlarmScenario(["connections-critical"])
        scenario.begin(deployed)
        with pytest.raises(RehearsalError, match="connections-critical is"):
            scenario.each_node(deployed)


def forbid(resources: stacks.Resources) -> None:
    for one in resources.values():
        if one["Type"] == "AWS::SNS::TopicPolicy":
            statements = one["Properties"]["PolicyDocument"]["Statement"]
            statements[:] = [one for one in statements if one["Effect"] == "Deny"]


def lock(resources: stacks.Resources) -> None:
    (key,) = (one for one in resources.values() if one["Type"] == "AWS::KMS::Key")
    statements = key["Properties"]["KeyPolicy"]["Statement"]
    statements[:] = [one for one in statements if "Service" not in one["Principal"]]


def unsubscribe_pagerduty(resources: stacks.Resources) -> None:
    for name, one in list(resources.items()):
        if one["Type"] == "AWS::SNS::Subscription":
            del resources[name]


def unsubscribe_slack(resources: stacks.Resources) -> None:
    for one in resources.values():
        if one["Type"] == "AWS::Chatbot::SlackChannelConfiguration":
            one["Properties"]["SnsTopicArns"] = one["Properties"]["SnsTopicArns"][:1]


def move_slack(resources: stacks.Resources) -> None:
    for one in resources.values():
        if one["Type"] == "AWS::Chatbot::SlackChannelConfiguration":
            one["Properties"]["SlackChannelId"] = "C0ELSEWHERE"


def keep_recovery_quiet(resources: stacks.Resources) -> None:
    alarm(resources, "swap-warning")["OKActions"] = []


def page_a_warning(resources: stacks.Resources) -> None:
    critical = alarm(resources, "memory-critical")
    alarm(resources, "swap-warning")["AlarmActions"] = critical["AlarmActions"]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (forbid, "does not let cloudwatch.amazonaws.com do sns:Publish"),
        (lock, "does not let cloudwatch.amazonaws.com do kms:GenerateDataKey"),
        (unsubscribe_pagerduty, r"pagerduty \(events.pagerduty.com\) got no message"),
        (unsubscribe_slack, r"slack \(C0REHEARSAL\) got no message"),
        pytest.param(move_slack, r"slack \(C0REHEARSAL\) got no message", marks=pytest.mark.long),
        (keep_recovery_quiet, "swap-warning became OK, and slack"),
        (page_a_warning, "notified pagerduty .* too often"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_a_message_that_does_not_arrive_where_it_should_fails_the_scenario(
    deployed: Rehearsal, change: Callable[[stacks.Resources], None], why: str
) -> None:
    scenario = AlarmScenario(["swap-warning", "connections-critical"])
    scenario.begin(deployed)
    with changed(deployed, change), pytest.raises(RehearsalError, match=why):
        scenario.each_node(deployed)


def test_an_alarm_that_nobody_drives_fails_the_scenario(deployed: Rehearsal) -> None:
    def add(resources: stacks.Resources) -> None:
        properties = {**alarm(resources, "swap-warning"), "AlarmName": "unknown"}
        resources["Unknown"] = {"Type": "AWS::CloudWatch::Alarm", "Properties": properties}

    with changed(deployed, add), pytest.raises(RehearsalError, match="nothing drives unknown"):
        AlarmScenario().begin(deployed)


def test_a_line_of_the_table_without_an_alarm_fails_the_scenario(deployed: Rehearsal) -> None:
    def rename(resources: stacks.Resources) -> None:
        alarm(resources, "swap-warning")["AlarmName"] += "-2"

    with changed(deployed, rename), pytest.raises(RehearsalError, match="drives swap-warning"):
        AlarmScenario().begin(deployed)
