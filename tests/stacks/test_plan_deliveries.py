"""A message of an alarm that nobody took is told of on the other way (§3.3)."""

import json

import pytest

from environments.schema import Settings
from reviews import watch
from tests.stacks.template import PREFIX, alarm, metric, topics, variables
from tests.support import Document, Synth
from tests.variants import ABSENT, Change, changed
from tools.assembly import Stack


@pytest.mark.plan("3.3")
@pytest.mark.parametrize(
    ("name", "watched", "told"),
    [
        ("undelivered-pages-warning", "critical", "warning"),
        ("undelivered-warnings-critical", "warning", "critical"),
    ],
)
def test_what_one_topic_could_not_deliver_is_told_to_the_other(
    monitoring: Stack, name: str, watched: str, told: str
) -> None:
    properties = alarm(monitoring, name)
    read = metric(properties)
    assert (read["Namespace"], read["MetricName"]) == ("AWS/SNS", "NumberOfNotificationsFailed")
    assert read["Dimensions"] == [{"Name": "TopicName", "Value": f"{PREFIX}-{watched}"}]
    assert watched in topics(monitoring), "an alarm on no topic never speaks"
    assert properties["AlarmActions"] == [topics(monitoring)[told]]
    assert (read["Stat"], read["Period"]) == ("Sum", 300)
    assert properties["ComparisonOperator"] == "GreaterThanThreshold"
    assert (properties["Threshold"], properties["TreatMissingData"]) == (0, "notBreaching")
    # One refusal is enough. An hour of them is told once: Slack hears both topics, so that each of
    # the two alarms sets off the other while it refuses.
    assert properties["DatapointsToAlarm"] == 1
    assert properties["EvaluationPeriods"] * read["Period"] == 3600


TEST = "notification-test-critical"
DOUBT = "notification-test-undelivered-warning"


@pytest.mark.plan("3.3")
@pytest.mark.parametrize("pagerduty", [True, False])
def test_a_monthly_test_goes_where_pages_go_and_is_doubted_by_sns_metrics_alone(
    synth: Synth, document: Document, monitoring: Stack, pagerduty: bool
) -> None:
    assert "notification-test" not in json.dumps(monitoring.resources), "off by default"
    change: Change = {"notifications.test_monthly": True}
    if not pagerduty:
        change["notifications.pagerduty_secret_name"] = ABSENT
    stacks = synth([Settings.model_validate(changed(document, change))])
    made = stacks[monitoring.name]
    test, doubt = alarm(made, TEST), alarm(made, DOUBT)
    mark = metric(test)
    assert (mark["MetricName"], test["AlarmActions"]) == (watch.TEST_MARK, test["OKActions"])
    assert test["AlarmActions"] == [topics(made)["critical"]]
    assert doubt["AlarmActions"] == [topics(made)["warning"]]
    subscribers = 2 if pagerduty else 1
    assert doubt["Metrics"][0]["Expression"].endswith(f"IF(FILL(seen,0)<{subscribers},1,0),0)")
    read = doubt["Metrics"][2]["MetricStat"]["Metric"]
    assert read["MetricName"] == "NumberOfNotificationsDelivered"
    assert read["Dimensions"] == [{"Name": "TopicName", "Value": f"{PREFIX}-critical"}]
    assert variables(made, "review-watch")["TEST_MONTHLY"] == "true"
