"""A message of an alarm that nobody took is told of on the other way (§3.3)."""

import pytest

from tests.stacks.template import PREFIX, alarm, metric, topics
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
