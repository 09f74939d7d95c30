"""The plan's alarms, and those an owner would miss: each with its section (§3.1, 3.3)."""

import json
import re
from datetime import date, timedelta
from itertools import pairwise

import pytest

from aws_rules.metric_math import MetricMath
from constructs.recovery.recovery_test import INFIX
from constructs.reviews.review_kinds import REVIEWS, ReviewKind
from environments.schema import Settings
from recovery import settings as run
from reviews import watch
from tests.stacks.template import PREFIX, alarm, alarms, metric, schedule, text, topics, variables
from tests.support import SynthChanged
from tests.variants import ABSENT, Change
from tools.assembly import Document, Stack

MEMBERS = ["vibewell-redis-001", "vibewell-redis-002", "vibewell-redis-003"]


def stats(properties: Document) -> list[Document]:
    return [query["MetricStat"] for query in properties["Metrics"] if "MetricStat" in query]


def names(properties: Document) -> set[str]:
    return {stat["Metric"]["MetricName"] for stat in stats(properties)}


def expression(properties: Document) -> str:
    (result,) = (query for query in properties["Metrics"] if query["ReturnData"])
    return str(result.get("Expression", result["Id"]))


@pytest.mark.plan("3.1")
@pytest.mark.parametrize(
    ("name", "how", "metric", "threshold"),
    [
        ("memory-warning", "MAX", "DatabaseMemoryUsagePercentage", 75),
        ("memory-critical", "MAX", "DatabaseMemoryUsagePercentage", 90),
        ("engine-cpu-warning", "MAX", "EngineCPUUtilization", 70),
        ("engine-cpu-critical", "MAX", "EngineCPUUtilization", 85),
        ("host-cpu-warning", "MAX", "CPUUtilization", 45),
        ("connections-warning", "MAX", "CurrConnections", 1000),
        ("connections-critical", "MAX", "CurrConnections", 5000),
        ("replication-lag-warning", "MAX", "ReplicationLag", 0.5),
        ("replication-lag-critical", "MAX", "ReplicationLag", 2),
        # What an owner would miss
        ("evictions-warning", "SUM", "Evictions", 0),
        ("refused-logins-warning", "SUM", "AuthenticationFailures", 9),
        ("swap-warning", "MAX", "SwapUsage", 50 * 1024 * 1024),
        ("cpu-credits-warning", "MIN", "CPUCreditBalance", 115),
    ],
)
def test_the_worst_of_all_nodes_is_alarmed(
    monitoring: Stack, name: str, how: str, metric: str, threshold: float
) -> None:
    found = alarm(monitoring, name)
    comparison = "LessThanThreshold" if how == "MIN" else "GreaterThanThreshold"
    assert (found["ComparisonOperator"], found["Threshold"]) == (comparison, threshold)
    assert expression(found) == f"{how}([a1,a2,a3])"
    # A wrong dimension gives an alarm that has no data and never fires.
    assert [stat["Metric"] for stat in stats(found)] == [
        {
            "Namespace": "AWS/ElastiCache",
            "MetricName": metric,
            "Dimensions": [
                {"Name": "CacheClusterId", "Value": member},
                {"Name": "CacheNodeId", "Value": "0001"},
            ],
        }
        for member in MEMBERS
    ]


@pytest.mark.plan("3.1")
def test_the_hit_rate_is_alarmed_below_80_percent_with_enough_traffic(monitoring: Stack) -> None:
    found = alarm(monitoring, "hit-rate-warning")
    assert (found["ComparisonOperator"], found["Threshold"]) == ("LessThanThreshold", 80)
    assert names(found) == {"CacheHits", "CacheMisses"}
    hits, reads = "SUM([a1,a2,a3])", "SUM([a1,a2,a3,b1,b2,b3])"
    assert expression(found) == f"IF({reads}<100,100,100*({hits}+0.000001)/({reads}+0.000001))"
    assert found["TreatMissingData"] == "notBreaching"


def test_a_node_that_sends_nothing_pages(monitoring: Stack) -> None:
    # CloudWatch takes a missing value for 0 in arithmetic: a sum would hide the silent node.
    found = alarm(monitoring, "not-reporting-critical")
    assert (expression(found), found["TreatMissingData"]) == ("a1*a2*a3", "breaching")


@pytest.mark.plan("2.3", "7.3")
def test_no_error_of_a_rotations_step_is_alarmed(monitoring: Stack) -> None:
    for one in alarms(monitoring):
        assert "-rotation" not in json.dumps(one["Metrics"]), "a step not ready raises by design"


@pytest.mark.plan("7.2", "7.3")
@pytest.mark.parametrize("kind", REVIEWS, ids=lambda kind: kind.name)
def test_one_alarm_fires_when_any_review_did_not_run(monitoring: Stack, kind: ReviewKind) -> None:
    found = alarm(monitoring, "review-not-run-warning")
    (figure,) = (query["Expression"] for query in found["Metrics"] if "Expression" in query)
    ids = {
        one["MetricStat"]["Metric"]["MetricName"]: one["Id"]
        for one in found["Metrics"]
        if "MetricStat" in one
    }
    watched = json.loads(text(variables(monitoring, "review-watch")["WATCHED"]))
    assert ids.keys() == {one["metric"] for one in watched.values()}
    assert watched[kind.name]["function"] == f"{PREFIX}-review-{kind.name}"
    assert (found["ComparisonOperator"], found["Threshold"]) == ("GreaterThanThreshold", 1)

    def value(age: float) -> float:
        ages = {key: {0: 0.5} for key in ids.values()}
        ages[ids[watched[kind.name]["metric"]]] = {0: age}
        return MetricMath(ages, {"figure": figure}, [0]).series("figure")[0]

    assert value(kind.days + 1) == 1
    assert value(kind.days + 1.1) > 1
    # The 1st of a month to the 1st of the next, Monday to Monday, day to day.
    assert kind.days == {"1": 31, "*": 1, "?": 7}[kind.schedule.split()[2]]
    assert found["TreatMissingData"] == "breaching", "a watch that is dead must not be silent"
    # The watch publishes at least twice in a period.
    watch = schedule(monitoring, "review-watch")["ScheduleExpression"]
    (minutes,) = re.findall(r"rate\((\d+) minutes\)", watch)
    assert all(int(minutes) * 60 * 2 <= stat["Period"] for stat in stats(found))


@pytest.mark.plan("3.3")
def test_every_alarm_tells_its_topic_and_an_incident_stays_open_until_somebody_acts(
    monitoring: Stack,
) -> None:
    """PagerDuty resolves on OK, which comes by itself where a figure counts what happened once."""
    assert len(alarms(monitoring)) == 37
    for found in alarms(monitoring):
        severity = found["AlarmName"].rpartition("-")[2]
        topic = topics(monitoring)[severity]
        assert found["AlarmActions"] == [topic]
        counts = {"SeriousEvents", "NumberOfNotificationsFailed"} & names(found)
        once = bool(counts) and severity == "critical"
        assert found["OKActions"] == ([] if once else [topic]), found["AlarmName"]
        assert ("resolve the incident" in found["AlarmDescription"]) == once
        assert found.get("ActionsEnabled", True) is True


def test_every_alarm_says_what_it_means_what_to_do_where_to_read_and_if_it_is_only_new(
    monitoring: Stack, production: Settings
) -> None:
    for found in alarms(monitoring):
        said = found["AlarmDescription"]
        meaning, first, link = said.replace(" Runbook: ", " First: ").split(" First: ")
        assert min(len(meaning), 2 * len(first)) > 40, said
        assert link.startswith(f"{production.notifications.runbook_url}#"), said
        balance = "CPUCreditBalance" in names(found)
        new = re.search("In a new deployment|A new node starts", said)
        assert (new is not None) == (balance or found["TreatMissingData"] == "breaching"), said
        # 115 credits, of which a t3.medium earns 24 an hour
        assert not balance or "fires for 5 hours" in said


def test_first_mondays_are_never_further_apart_than_the_alarm_waits() -> None:
    firsts = [
        next(day for day in (first + timedelta(n) for n in range(7)) if day.weekday() == 0)
        for first in (date(2026 + month // 12, month % 12 + 1, 1) for month in range(12 * 40))
    ]
    assert {(after - before).days for before, after in pairwise(firsts)} == {28, 35}


def test_template_and_function_agree_on_the_name_of_a_throw_away_group() -> None:
    assert INFIX == run.INFIX


TEST = "notification-test-critical"
DOUBT = "notification-test-undelivered-critical"


@pytest.mark.plan("3.3")
@pytest.mark.parametrize("pagerduty", [True, False])
def test_a_monthly_test_goes_where_pages_go_and_is_doubted_by_sns_metrics_alone(
    synth_changed: SynthChanged, monitoring: Stack, pagerduty: bool
) -> None:
    assert "notification-test" not in json.dumps(monitoring.resources), "off by default"
    change: Change = {"notifications.test_monthly": True}
    if not pagerduty:
        change["notifications.pagerduty_secret_name"] = ABSENT
    made = synth_changed(change)["monitoring"]
    test, doubt = alarm(made, TEST), alarm(made, DOUBT)
    mark = metric(test)
    assert (mark["MetricName"], test["AlarmActions"]) == (watch.TEST_MARK, test["OKActions"])
    assert test["AlarmActions"] == [topics(made)["critical"]]
    assert doubt["AlarmActions"] == [topics(made)["critical"]]
    subscribers = 2 if pagerduty else 1
    assert doubt["Metrics"][0]["Expression"].endswith(f"IF(FILL(seen,0)<{subscribers},1,0),0)")
    read = doubt["Metrics"][2]["MetricStat"]["Metric"]
    assert read["MetricName"] == "NumberOfNotificationsDelivered"
    assert read["Dimensions"] == [{"Name": "TopicName", "Value": f"{PREFIX}-critical"}]
    assert variables(made, "review-watch")["TEST_MONTHLY"] == "true"
