"""Alarms on what the rotation's passes publish, never on errors of a step (§2.3, 7.3).

A step that is not ready raises by design, so an error says nothing; an age, or a login, does.
"""

from collections.abc import Iterator

from constructs.alarms.alarm_specs import AlarmSpec, MissingData, Severity
from constructs.alarms.metrics import PublishedFigure
from environments.rotation_settings import Rotation

PERIOD = 900  # seconds: at least one run of the schedule publishes in each
UNFINISHED_HOURS = 6
OLDEST_TOKEN_DAYS = 100  # the longest quarter is 92 days


def rotation_alarm_specs(settings: Rotation) -> Iterator[AlarmSpec]:
    """Every alarm on the rotation."""
    yield _spec(
        name="rotation-unfinished",
        severity=Severity.WARNING,
        metric="RotationUnfinishedHours",
        threshold=UNFINISHED_HOURS,
        missing="breaching",  # nothing else shows that the function no longer runs
        means=f"A rotation, or what the login of Redis should be, is unfinished for over "
        f"{UNFINISHED_HOURS} hours, or the function that sees to both publishes nothing.",
        first="Read the last lines of the rotation function's log: each says what it waits for.",
    )
    yield _spec(
        name="old-token",
        severity=Severity.WARNING,
        metric="OldTokenUnretiredHours",
        threshold=UNFINISHED_HOURS,
        missing="notBreaching",
        means=f"The token before the present one still opens Redis {UNFINISHED_HOURS} hours after "
        f"it was due to be retired ({settings.retire_after_hours} hours after a rotation).",
        first="Read the last lines of the rotation function's log: each says what it waits for.",
    )
    yield _spec(
        name="token-age",
        severity=Severity.WARNING,
        metric="TokenAgeDays",
        threshold=OLDEST_TOKEN_DAYS,
        missing="notBreaching",
        means=f"The token is older than {OLDEST_TOKEN_DAYS} days: the quarterly rotation did not "
        "happen.",
        first="Look at the secret: is rotation enabled, and when is the next one?",
    )
    yield _spec(
        name="token-disagreement",
        severity=Severity.CRITICAL,
        metric="TokenDisagreement",
        threshold=0,
        missing="notBreaching",  # it is not published while no node answers
        means="Redis refuses the token that Secrets Manager gives to clients: new logins fail. "
        "Each pass of the rotation's schedule tries to mend it.",
        first="Read the last lines of the rotation function's log: each says what it waits for.",
    )
    yield _spec(
        name="login-without-password",
        severity=Severity.CRITICAL,
        metric="LoginWithoutPassword",
        threshold=0,
        missing="notBreaching",  # it is not published while no node answers
        periods=1,
        means="Redis serves clients that give no token: whoever reaches its port reads and writes "
        "every key.",
        first="CloudTrail says who sent ModifyUser. The next pass of the rotation's schedule ends "
        "it; until then let nobody reach the port.",
    )


def _spec(
    *,
    name: str,
    severity: Severity,
    metric: str,
    threshold: float,
    missing: MissingData,
    means: str,
    first: str,
    periods: int = 2,
) -> AlarmSpec:
    return AlarmSpec(
        name=name,
        severity=severity,
        figure=PublishedFigure(metric),
        beyond="above",
        threshold=threshold,
        period=PERIOD,
        periods=periods,
        missing=missing,
        panel=None,
        means=means,
        first=first,
        runbook=name,
    )
