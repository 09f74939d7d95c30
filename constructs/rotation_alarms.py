"""Alarms on the age of the rotation's published state, never on errors of a step (§2.3, 7.3).

A step that is not ready raises by design, so an error says nothing; an age does.
"""

from collections.abc import Iterator

from constructs.alarm_specs import AlarmSpec, MissingData, Severity
from constructs.metrics import PublishedFigure
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
        missing="breaching",  # nothing else would tell that the function no longer runs
        means=f"A rotation of the token is unfinished for over {UNFINISHED_HOURS} hours, or the "
        "function that finishes it publishes nothing. Clients are not affected.",
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
        missing="notBreaching",  # it is not published while Redis does not answer
        means="Redis refuses the token that Secrets Manager gives to clients: new logins fail. "
        "The rotation has stopped and changes nothing.",
        first="Find the version of the secret that Redis accepts; the runbook says how.",
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
) -> AlarmSpec:
    return AlarmSpec(
        name=name,
        severity=severity,
        figure=PublishedFigure(metric),
        beyond="above",
        threshold=threshold,
        period=PERIOD,
        periods=2,
        missing=missing,
        panel=None,
        means=means,
        first=first,
        runbook=name,
    )
