"""Alarms on reviews that did not run (§7): on the age of the last one, which a watch publishes.

CloudWatch looks back at most seven days, so the absence of a monthly metric cannot be alarmed on
(CloudWatch user guide, "Alarm evaluation": evaluation range); an age can.
"""

from collections.abc import Iterator

from constructs.alarms.alarm_specs import AlarmSpec, Severity
from constructs.alarms.metrics import PublishedFigure
from constructs.reviews.review_kinds import REVIEWS

PERIOD = 1800  # seconds: two runs of the watch in each


def review_alarm_specs() -> Iterator[AlarmSpec]:
    """One for each review; missing data is an alarm too, as then nothing watches the age."""
    for kind in REVIEWS:
        yield AlarmSpec(
            name=f"{kind.function_name}-not-run",
            severity=Severity.WARNING,
            figure=PublishedFigure(kind.age_metric),
            beyond="above",
            threshold=kind.late_days,
            period=PERIOD,
            periods=2,
            missing="breaching",  # nothing else would tell that the watch no longer runs
            panel=None,
            means=f"The {kind.what} has not run for {kind.late_days} days, or what watches its age "
            "publishes nothing.",
            first="Read the last lines of the review function's log, then look at its schedule.",
            runbook="review-not-run",
        )
