"""The alarm on reviews that did not run (§7): on the age of the last ones, which a watch publishes.

CloudWatch looks back at most seven days, so the absence of a monthly metric cannot be alarmed on
(CloudWatch user guide, "Alarm evaluation": evaluation range); an age can.
"""

from collections.abc import Iterator

from constructs.alarms.alarm_specs import AlarmSpec, Severity
from constructs.alarms.metrics import PublishedRatios
from constructs.reviews.review_kinds import REVIEWS

PERIOD = 1800  # seconds: two runs of the watch in each


def review_alarm_specs() -> Iterator[AlarmSpec]:
    """One for all: the greatest of each age, as a part of the age at which it has been missed.

    The watch publishes all of them at once, so none is missing unless all are; that is an alarm
    too, as then nothing watches the ages.
    """
    late = ", ".join(f"{kind.name} {kind.late_days}" for kind in REVIEWS)
    yield AlarmSpec(
        name="review-not-run",
        severity=Severity.WARNING,
        figure=PublishedRatios(tuple((kind.age_metric, kind.late_days) for kind in REVIEWS)),
        beyond="above",
        threshold=1,
        period=PERIOD,
        periods=2,
        missing="breaching",  # nothing else would tell that the watch no longer runs
        panel=None,
        means=f"A review is late (days at most: {late}), or what watches their ages publishes "
        "nothing.",
        first="The metrics Review…AgeDays say which. Read the last lines of its function's log, "
        "then look at its schedule.",
        runbook="review-not-run",
        when_new="In a new deployment it can fire for an hour, until each review has run once.",
    )
