"""The alarms on backups and on the proof of them, as the templates make them."""

from datetime import date, timedelta
from itertools import pairwise

import pytest

from constructs.recovery.recovery_permissions import INFIX
from recovery import run
from shared.emf import DIMENSION, NAMESPACE
from tools.assembly import Document, Stack


@pytest.mark.plan("4.1")
def test_an_alarm_speaks_when_the_newest_snapshot_is_too_old(monitoring: Stack) -> None:
    alarm = _alarm(monitoring, "snapshot-age-warning")
    # A day, the window of one hour, and one hour for the backup itself.
    assert alarm["Threshold"] == 26
    assert alarm["ComparisonOperator"] == "GreaterThanThreshold"
    assert alarm["TreatMissingData"] == "breaching"
    assert _metric(alarm) == "SnapshotAgeHours"


@pytest.mark.plan("4.2")
@pytest.mark.parametrize(
    ("name", "metric", "threshold"),
    [
        ("recovery-failed", "RecoveryFailed", 0),
        ("recovery-point", "RecoveryPointHours", 24),
        ("recovery-time", "RecoveryTimeMinutes", 30),
        ("recovery-overdue", "RecoveryAgeDays", 36),
        ("recovery-leftovers", "RecoveryLeftovers", 0),
    ],
)
def test_an_alarm_speaks_of_every_way_in_which_the_proof_is_missing(
    monitoring: Stack, name: str, metric: str, threshold: float
) -> None:
    alarm = _alarm(monitoring, f"{name}-warning")
    assert (_metric(alarm), alarm["Threshold"]) == (metric, threshold)


def test_first_mondays_are_never_further_apart_than_the_alarm_waits() -> None:
    firsts = [
        next(
            day
            for day in (
                date(2026 + month // 12, month % 12 + 1, 1) + timedelta(n) for n in range(7)
            )
            if day.weekday() == 0
        )
        for month in range(12 * 40)
    ]
    apart = {(after - before).days for before, after in pairwise(firsts)}
    assert apart == {28, 35}


def test_template_and_functions_agree_on_names(monitoring: Stack) -> None:
    assert INFIX == run.INFIX
    read = {
        (query["MetricStat"]["Metric"]["Namespace"], dimension["Name"])
        for alarm in monitoring.of_type("AWS::CloudWatch::Alarm").values()
        if "recovery" in alarm["AlarmName"]
        for query in alarm["Metrics"]
        for dimension in query["MetricStat"]["Metric"]["Dimensions"]
    }
    assert read == {(NAMESPACE, DIMENSION)}


def _alarm(monitoring: Stack, name: str) -> Document:
    (found,) = (
        each
        for each in monitoring.of_type("AWS::CloudWatch::Alarm").values()
        if each["AlarmName"].endswith(f"production-{name}")
    )
    return found


def _metric(alarm: Document) -> str:
    (query,) = alarm["Metrics"]
    return str(query["MetricStat"]["Metric"]["MetricName"])
