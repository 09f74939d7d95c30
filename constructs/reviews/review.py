"""A review: a function on a schedule that writes a report and tells the channel of it (§7)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from constructs import Construct
from constructs.alarms.alarm_specs import Severity
from constructs.alarms.notifications import AlarmNotifications
from constructs.common.own_function import OwnFunction
from constructs.common.permissions import ManagedPolicy, Statement
from constructs.common.scheduled import invoke_on_schedule
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
                "REPORTS_BUCKET": store.name,
                "CHANNEL_TOPIC_ARN": notifications.topic_arns[channel],
                "REPLICATION_GROUP_ID": settings.redis.replication_group_id,
                "ENVIRONMENT": settings.environment.name,
                "RUNBOOK": settings.notifications.runbook_url,
                **environment,
            },
            may=[
                *store.write_statements(kind.name),
                *notifications.publish_statements(channel),
                *may,
            ],
            besides=besides,
            timeout_seconds=LONGEST_SECONDS,
            key=notifications.key,
            log_retention_days=settings.redis.log_retention_days,
            wildcards={**store.folder(kind.name), **wildcards},
            outside=OUTSIDE,
        )
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
