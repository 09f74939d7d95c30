"""A receiver that refuses an alarm's message is reported at the other one."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from emulator.cloudwatch.evaluation import State
from emulator.cloudwatch.evaluator import Evaluator
from environments.schema import Settings
from rehearsal.alarms.steps import AlarmScenario
from rehearsal.common.errors import eventually
from rehearsal.common.rehearsal import Rehearsal
from tests.stacks.template import alarm
from tests.support import Document, Synth
from tests.variants import changed

PREFIX = "vibewell-redis-production-"
PAGES, WARNINGS = "undelivered-pages-warning", "undelivered-warnings-critical"
A_PERIOD, TWO_HOURS = 300, 7200  # seconds


Judge = Callable[[int], dict[str, State]]
Arrivals = list[tuple[str, str]]


@pytest.fixture(scope="module", autouse=True)
def _calm(deployed: Rehearsal) -> Iterator[None]:
    """The alarms are left OK, as they were found."""
    yield
    AlarmScenario().begin(deployed)


@pytest.fixture
def judge(deployed: Rehearsal) -> Judge:
    """The two alarms' states so many seconds from now; at first both are OK."""
    evaluator = Evaluator(deployed.aws("cloudwatch"), [PREFIX + PAGES, PREFIX + WARNINGS])

    def states(later: int) -> dict[str, State]:
        found = evaluator.evaluate(int(time.time()) + later)
        return {name.removeprefix(PREFIX): state for name, state in found.items()}

    assert states(TWO_HOURS) == {PAGES: State.OK, WARNINGS: State.OK}
    return states


@contextmanager
def refusing(deployed: Rehearsal, service: str, status: int = 404) -> Iterator[None]:
    """A receiver whose key or authorisation was taken back, as long as this lasts."""
    deployed.ask("refuse", service=service, status=str(status))
    try:
        yield
    finally:
        deployed.ask("accept", service=service)


def speak(deployed: Rehearsal, name: str) -> None:
    deployed.aws("cloudwatch").set_alarm_state(
        AlarmName=f"{PREFIX}{name}", StateValue="ALARM", StateReason="a test"
    )


def arrivals(deployed: Rehearsal, name: str) -> Arrivals:
    """Where this alarm's messages were shown, with its states."""
    told = [
        (one["service"], json.loads(one["message"]))
        for one in deployed.ask("messages")
        if one["shown"]
    ]
    return [
        (service, text["NewStateValue"])
        for service, text in told
        if text.get("AlarmName") == PREFIX + name
    ]


def failures(deployed: Rehearsal, topic: str) -> float:
    """Refused deliveries of a topic, of all time."""
    found = deployed.aws("cloudwatch").get_metric_statistics(
        Namespace="AWS/SNS",
        MetricName="NumberOfNotificationsFailed",
        Dimensions=[{"Name": "TopicName", "Value": PREFIX + topic}],
        StartTime=time.time() - TWO_HOURS,
        EndTime=time.time() + TWO_HOURS,
        Period=A_PERIOD,
        Statistics=["Sum"],
    )
    return float(sum(point["Sum"] for point in found["Datapoints"]))


@pytest.mark.plan("3.3")
def test_slack_is_told_that_pagerduty_refused_a_page(deployed: Rehearsal, judge: Judge) -> None:
    with refusing(deployed, "pagerduty"):
        before, earlier = failures(deployed, "critical"), len(arrivals(deployed, PAGES))
        speak(deployed, "memory-critical")
        eventually(lambda: failures(deployed, "critical") > before, "a refusal is counted")
        assert judge(A_PERIOD)[PAGES] is State.ALARM
        eventually(lambda: arrivals(deployed, PAGES)[earlier:] == [("slack", "ALARM")], "Slack")
    assert judge(TWO_HOURS)[PAGES] is State.OK
    eventually(lambda: arrivals(deployed, PAGES)[earlier + 1 :] == [("slack", "OK")], "the end")


@pytest.mark.plan("3.3")
def test_pagerduty_is_told_once_that_slack_refuses_though_each_alarm_sets_off_the_other(
    deployed: Rehearsal, judge: Judge
) -> None:
    with refusing(deployed, "slack"):
        before, earlier = failures(deployed, "warning"), len(arrivals(deployed, WARNINGS))
        speak(deployed, "swap-warning")
        eventually(lambda: failures(deployed, "warning") > before, "a refusal is counted")
        refused = failures(deployed, "critical")
        assert judge(A_PERIOD)[WARNINGS] is State.ALARM
        eventually(lambda: failures(deployed, "critical") > refused, "its own copy is refused")
        judge(A_PERIOD)
        for later in range(2 * A_PERIOD, 3600, A_PERIOD):
            assert set(judge(later).values()) == {State.ALARM}, later
        assert arrivals(deployed, WARNINGS)[earlier:] == [("pagerduty", "ALARM")]


@pytest.mark.plan("3.3")
def test_the_monthly_test_reaches_both_clears_itself_and_is_doubted_where_sns_counts_nothing(
    deployed: Rehearsal, synth: Synth, document: Document
) -> None:
    cloudwatch = deployed.aws("cloudwatch")
    (page,) = cloudwatch.describe_alarms(AlarmNames=[f"{PREFIX}memory-critical"])["MetricAlarms"]
    change = {"notifications.test_monthly": True}
    made = synth([Settings.model_validate(changed(document, change))])[f"{PREFIX}monitoring"]
    names = []
    for name in ("notification-test-critical", "notification-test-undelivered-critical"):
        properties = alarm(made, name)
        actions = dict.fromkeys(("AlarmActions", "OKActions"), page["AlarmActions"])
        cloudwatch.put_metric_alarm(**properties | actions)
        names.append(properties["AlarmName"])
    # The same alarm on a topic of which SNS counts no delivery.
    text = json.dumps(properties).replace(f"{PREFIX}critical", "nobody")
    unheard = json.loads(text) | {"AlarmName": f"{names[1]}-nobody", "AlarmActions": []}
    cloudwatch.put_metric_alarm(**unheard | {"OKActions": []})
    (mark,) = (one["MetricStat"] for one in properties["Metrics"] if one["Id"] == "marks")
    evaluator = Evaluator(cloudwatch, [*names, unheard["AlarmName"]])
    now = int(time.time())
    try:
        one = {key: mark["Metric"][key] for key in ("MetricName", "Dimensions")} | {"Value": 1}
        space = mark["Metric"]["Namespace"]
        cloudwatch.put_metric_data(Namespace=space, MetricData=[one | {"Timestamp": now}] * 4)
        assert evaluator.evaluate(now + 900)[names[0]] is State.ALARM
        both = {("slack", "ALARM"), ("pagerduty", "ALARM")}
        eventually(lambda: set(arrivals(deployed, "notification-test-critical")) >= both, "both")
        found = evaluator.evaluate(now + TWO_HOURS)
        assert [found[name] for name in names] == [State.OK, State.OK]
        assert found[unheard["AlarmName"]] is State.ALARM
        over = {("slack", "OK"), ("pagerduty", "OK")}
        eventually(lambda: set(arrivals(deployed, "notification-test-critical")) >= over, "its end")
    finally:
        cloudwatch.delete_alarms(AlarmNames=[*names, unheard["AlarmName"]])
