"""Alarms on the backups and on the proof of them (§4.1, 4.2).

The watch publishes each figure again at every pass, so that an alarm stays until the thing itself
is mended: one that failed, until a test has passed.
"""

from collections.abc import Iterator

from constructs.alarms.alarm_specs import AlarmSpec, MissingData, Severity
from constructs.alarms.metrics import PublishedFigure
from environments.schema import Settings

PERIOD = 900  # seconds: at least one run of the schedule publishes in each
OLDEST_TEST_DAYS = 36  # first Mondays are 28 or 35 days apart
BACKUP_HOURS = 1  # that a backup itself may take; a full node of the largest types needs more
DAY_HOURS = 24
MINUTES_AN_HOUR = 60


def recovery_alarm_specs(settings: Settings) -> Iterator[AlarmSpec]:
    """Every alarm on backups and recovery tests."""
    window = settings.redis.snapshot_window.minutes / MINUTES_AN_HOUR
    oldest = DAY_HOURS + window + BACKUP_HOURS
    recovery = settings.recovery
    yield _spec(
        name="snapshot-age",
        metric="SnapshotAgeHours",
        threshold=oldest,
        missing="breaching",  # nothing else would tell that the watch no longer runs
        means=f"The newest automatic snapshot is older than {oldest:g} hours (a day, the backup's "
        "window and the backup itself), or the function that looks publishes nothing.",
        first="Look at the group's events: was the backup begun, and did it fail?",
    )
    yield _spec(
        name="recovery-failed",
        metric="RecoveryFailed",
        threshold=0,
        means="The last recovery test did not pass: it failed, timed out or was cancelled. It is "
        "not proven that the backups can be restored.",
        first="Read its report in the channel, then the execution's history.",
    )
    yield _spec(
        name="recovery-point",
        runbook="recovery-objectives",
        metric="RecoveryPointHours",
        threshold=recovery.point_objective_hours,
        means="The backup of the last recovery test was older than "
        f"{recovery.point_objective_hours} hours: more data would be lost than the plan accepts.",
        first="Was the daily backup late, or was the test started at another hour?",
    )
    yield _spec(
        name="recovery-time",
        runbook="recovery-objectives",
        metric="RecoveryTimeMinutes",
        threshold=recovery.time_objective_minutes,
        means="In the last recovery test the first verified read came later than "
        f"{recovery.time_objective_minutes} minutes after the start.",
        first="Compare with the months before: has the data grown, or was the restore slow?",
    )
    yield _spec(
        name="recovery-overdue",
        metric="RecoveryAgeDays",
        threshold=OLDEST_TEST_DAYS,
        means=f"No recovery test has passed for {OLDEST_TEST_DAYS} days: whether backups can be "
        "restored is not known.",
        first="Look at the schedule and at the last executions of the state machine.",
    )
    yield _spec(
        name="recovery-leftovers",
        metric="RecoveryLeftovers",
        threshold=0,
        means="A throw-away group of a recovery test is still there after two passes of the "
        "sweep: it holds a copy of the data, and costs as a node does.",
        first="Look at the group's status and events, and at the operator's log.",
    )
    yield _spec(
        name="sentinels",
        metric="SentinelsAltered",
        threshold=0,
        missing="breaching",  # nothing else would tell that the keeper no longer runs
        means="A key by which a restored backup proves itself was altered, or nobody keeps them: "
        "the next recovery test will fail.",
        first="Read the last lines of the keeper's log.",
    )


def _spec(
    *,
    name: str,
    metric: str,
    threshold: float,
    means: str,
    first: str,
    missing: MissingData = "notBreaching",
    runbook: str | None = None,
) -> AlarmSpec:
    return AlarmSpec(
        name=name,
        severity=Severity.WARNING,
        figure=PublishedFigure(metric),
        beyond="above",
        threshold=threshold,
        period=PERIOD,
        periods=2,
        missing=missing,
        panel=None,
        means=means,
        first=first,
        runbook=runbook or name,
    )
