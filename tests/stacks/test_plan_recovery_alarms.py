"""The alarms on backups and on the proof of them, as the templates make them."""

from datetime import date, timedelta
from itertools import pairwise

import pytest

from constructs.recovery.recovery_permissions import INFIX
from recovery import settings
from shared.emf import DIMENSION, NAMESPACE
from tests.stacks.template import alarm, alarms, metric
from tools.assembly import Stack


@pytest.mark.plan("4.1")
def test_an_alarm_speaks_when_the_newest_snapshot_is_too_old(monitoring: Stack) -> None:
    found = alarm(monitoring, "snapshot-age-warning")
    # A day, the window of one hour, and one hour for the backup itself.
    assert found["Threshold"] == 26
    assert found["ComparisonOperator"] == "GreaterThanThreshold"
    assert found["TreatMissingData"] == "breaching"
    assert metric(found)["MetricName"] == "SnapshotAgeHours"


@pytest.mark.plan("4.2")
@pytest.mark.parametrize(
    ("name", "read", "threshold"),
    [
        ("recovery-failed", "RecoveryFailed", 0),
        ("recovery-point", "RecoveryPointHours", 24),
        ("recovery-time", "RecoveryTimeMinutes", 30),
        ("recovery-overdue", "RecoveryAgeDays", 36),
        ("recovery-leftovers", "RecoveryLeftovers", 0),
    ],
)
def test_an_alarm_speaks_of_every_way_in_which_the_proof_is_missing(
    monitoring: Stack, name: str, read: str, threshold: float
) -> None:
    found = alarm(monitoring, f"{name}-warning")
    assert (metric(found)["MetricName"], found["Threshold"]) == (read, threshold)


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
    assert INFIX == settings.INFIX
    read = {
        (metric(one)["Namespace"], dimension["Name"])
        for one in alarms(monitoring)
        if "recovery" in one["AlarmName"]
        for dimension in metric(one)["Dimensions"]
    }
    assert read == {(NAMESPACE, DIMENSION)}
