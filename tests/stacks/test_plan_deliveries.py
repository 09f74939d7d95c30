"""A message of an alarm that nobody took is told of on the other way (§3.3)."""

import pytest

from tools.assembly import Document, Stack

PREFIX = "vibewell-redis-production"


def alarm(monitoring: Stack, name: str) -> Document:
    (found,) = (
        properties
        for properties in monitoring.of_type("AWS::CloudWatch::Alarm").values()
        if properties["AlarmName"] == f"{PREFIX}-{name}"
    )
    return found


def topics(monitoring: Stack) -> dict[str, Document]:
    """A reference to each topic, by its name."""
    return {
        properties["TopicName"]: {"Ref": logical_id}
        for logical_id, properties in monitoring.of_type("AWS::SNS::Topic").items()
    }


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
    (query,) = properties["Metrics"]
    metric = query["MetricStat"]["Metric"]
    assert (metric["Namespace"], metric["MetricName"]) == ("AWS/SNS", "NumberOfNotificationsFailed")
    assert metric["Dimensions"] == [{"Name": "TopicName", "Value": f"{PREFIX}-{watched}"}]
    assert f"{PREFIX}-{watched}" in topics(monitoring), "an alarm on no topic never speaks"
    assert properties["AlarmActions"] == [topics(monitoring)[f"{PREFIX}-{told}"]]
    assert (query["MetricStat"]["Stat"], query["MetricStat"]["Period"]) == ("Sum", 300)
    assert properties["ComparisonOperator"] == "GreaterThanThreshold"
    assert (properties["Threshold"], properties["TreatMissingData"]) == (0, "notBreaching")


@pytest.mark.plan("3.3")
@pytest.mark.parametrize("name", ["undelivered-pages-warning", "undelivered-warnings-critical"])
def test_one_refusal_is_enough_and_an_hour_of_them_is_told_once(
    monitoring: Stack, name: str
) -> None:
    # Slack hears both topics: while it refuses, each of the two alarms sets off the other.
    properties = alarm(monitoring, name)
    assert properties["DatapointsToAlarm"] == 1
    (query,) = properties["Metrics"]
    assert properties["EvaluationPeriods"] * query["MetricStat"]["Period"] == 3600
