"""A review: a function on a schedule that writes a report and tells the channel of it (§7)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from constructs import Construct
from constructs.alarms.metrics import Severity
from constructs.alarms.notifications import AlarmNotifications
from constructs.common.own_function import OwnFunction
from constructs.common.permissions import ManagedPolicy, Statement, allow
from constructs.common.scheduled import every, invoke_on_schedule
from constructs.reviews.report_store import ReportStore
from constructs.reviews.review_kinds import ReviewKind
from environments.schema import Settings

LONGEST_SECONDS = 600
ATTEMPTS = 20  # of the scheduler to hand it over, in an hour
PACKAGE = "reviews.zip"
OUTSIDE = "It calls AWS's API alone; inside, each service would take an endpoint"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewSurroundings:
    """What all reviews of an environment share."""

    settings: Settings
    store: ReportStore
    notifications: AlarmNotifications


class Review(Construct):
    """It may write below its own prefix of the store, notify the channel, and what it is given.

    That it did not run is told by ``ReviewWatch``.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        kind: ReviewKind,
        handler: str,
        surroundings: ReviewSurroundings,
        environment: Mapping[str, str],
        may: Sequence[Statement],
        wildcards: Mapping[str, str],
        besides: Sequence[ManagedPolicy] = (),
    ) -> None:
        """``handler`` is in the package of reviews; ``may`` is what it reads.

        ``wildcards`` are its resources that hold a ``*``, with reasons; ``besides`` are policies
        for what its own has no room for.
        """
        super().__init__(scope, construct_id)
        settings, store = surroundings.settings, surroundings.store
        notifications = surroundings.notifications
        # The topic that the channel alone reads: PagerDuty discards what is no alarm.
        channel = Severity.WARNING
        self.kind = kind
        self.function = OwnFunction(
            self,
            "Function",
            name=f"{settings.prefix}-{kind.function_name}",
            package=PACKAGE,
            handler=handler,
            environment={
                "REVIEW": kind.name,
                "METRICS": kind.metric_prefix,
                "REPORTS_BUCKET": store.bucket_name,
                "CHANNEL_TOPIC_ARN": notifications.topic_arns[channel],
                "REPLICATION_GROUP_ID": settings.redis.replication_group_id,
                "ENVIRONMENT": settings.environment.name,
                "RUNBOOK": settings.notifications.runbook_url,
                **environment,
            },
            may=may,
            besides=besides,
            timeout_seconds=LONGEST_SECONDS,
            key=notifications.key,
            log_retention_days=settings.redis.log_retention_days,
            wildcards={**store.folder(kind.name), **wildcards},
            outside=OUTSIDE,
        )
        store.grant_review(self.function, kind.name)
        notifications.grant_publish(self.function, channel)
        invoke_on_schedule(
            self,
            "Schedule",
            function=self.function,
            what=kind.what,
            description=f"The {kind.what}: report and message",
            expression=kind.schedule,
            event={"scheduled": True},
            attempts=ATTEMPTS,
        )


EVERY_MINUTES = 15  # longer than a review takes: one that fails is begun again, none beside itself
WATCH_SECONDS = 60


class ReviewWatch(Construct):
    """Publishes the age of each review's last run, for the alarms.

    It asks the store, and not the reviews: one that breaks off before its message was sent has not
    run. After the first deployment it has every review run once, so that nobody waits a month for
    the first report, or for the news that it cannot be made.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        surroundings: ReviewSurroundings,
        reviews: Sequence[Review],
    ) -> None:
        super().__init__(scope, construct_id)
        settings, store = surroundings.settings, surroundings.store
        watched = {
            review.kind.name: {
                "metric": review.kind.age_metric,
                "function": review.function.given_name,
            }
            for review in reviews
        }
        function = OwnFunction(
            self,
            "Function",
            name=f"{settings.prefix}-review-watch",
            package=PACKAGE,
            handler="reviews.watch.handler",
            environment={
                "REPORTS_BUCKET": store.bucket_name,
                "REPLICATION_GROUP_ID": settings.redis.replication_group_id,
                "WATCHED": json.dumps(watched),
                **({"TEST_MONTHLY": "true"} if settings.notifications.test_monthly else {}),
            },
            may=[allow("lambda:InvokeFunction", on=[one.function.arn for one in reviews])],
            timeout_seconds=WATCH_SECONDS,
            key=surroundings.notifications.key,
            log_retention_days=settings.redis.log_retention_days,
            outside=OUTSIDE,
        )
        store.grant_list(function, [f"{name}/ran.json" for name in watched])
        invoke_on_schedule(
            self,
            "Schedule",
            function=function,
            what="review watch",
            description="Publish how long ago each review ran",
            expression=every(EVERY_MINUTES),
            event={"scheduled": True},
        )
