"""Alarms on what the scheduled health check publishes (§2.4)."""

from collections.abc import Iterator

from constructs.alarms.alarm_specs import AlarmSpec, Severity
from constructs.alarms.metrics import PublishedFigure

PERIOD = 600  # seconds: two runs of the schedule in each


def health_alarm_specs() -> Iterator[AlarmSpec]:
    """Every alarm on the health check. Two periods, for a deployment passes through odd states."""
    yield AlarmSpec(
        name="health-failed",
        severity=Severity.WARNING,
        figure=PublishedFigure("HealthChecksFailed"),
        beyond="above",
        threshold=0,
        period=PERIOD,
        periods=2,
        missing="notBreaching",  # health-not-run tells
        panel=None,
        means="The deployment is not what its template asks for, or does not serve, for ten "
        "minutes or more.",
        first="Run make health: each line that failed says what was found and wanted.",
        runbook="health-failed",
    )
    yield AlarmSpec(
        name="health-login",
        severity=Severity.CRITICAL,
        figure=PublishedFigure("HealthLoginsFailed"),
        beyond="above",
        threshold=0,
        period=PERIOD,
        periods=2,
        missing="notBreaching",  # health-not-run tells
        panel=None,
        means="A login over TLS with the token that clients read fails for ten minutes or "
        "more: clients cannot connect either.",
        first="Run make health: the login lines say whether it is the network, TLS or the token.",
        runbook="health-login",
    )
    yield AlarmSpec(
        name="health-not-run",
        severity=Severity.WARNING,
        figure=PublishedFigure("HealthCheckRan"),
        beyond="below",
        threshold=1,
        period=PERIOD,
        periods=3,
        missing="breaching",
        panel=None,
        means="The health check has not run for 30 minutes: what it would find is not told.",
        first="Read the last lines of the health function's log, then look at its schedule.",
        runbook="health-not-run",
    )
