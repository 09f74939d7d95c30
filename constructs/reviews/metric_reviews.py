"""The week's metrics and the month's capacity (§7.2): two reviews that read CloudWatch."""

import json
from collections.abc import Sequence
from typing import Any

from constructs import Construct
from constructs.alarms.alarm_specs import AlarmSpec
from constructs.common.arns import place
from constructs.common.permissions import allow
from constructs.reviews.review import Review, ReviewSurroundings
from constructs.reviews.review_kinds import CAPACITY, METRICS
from constructs.reviews.review_measures import capacity, weekly


class MetricReviews(Construct):
    """Both get the warning thresholds of ``specs``, which are defined there only."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        surroundings: ReviewSurroundings,
        specs: Sequence[AlarmSpec],
    ) -> None:
        """``specs`` are all alarms of the environment."""
        super().__init__(scope, construct_id)
        settings, here = surroundings.settings, place(self)
        group = here.arn("elasticache", f"replicationgroup:{settings.redis.replication_group_id}")
        reads = [
            # Figures have no ARN that a policy could name (service authorization reference).
            allow("cloudwatch:GetMetricData", on=["*"]),
            # Which nodes there are: one that was replaced or added has a number of its own.
            allow("elasticache:DescribeReplicationGroups", on=[group]),
        ]
        alarms = here.arn("cloudwatch", "alarm:*")
        own = here.arn("cloudwatch", f"alarm:{settings.prefix}-*")
        figures = {"*": "Figures of CloudWatch take no resource but *"}
        self.weekly = Review(
            self,
            "Weekly",
            kind=METRICS,
            handler="reviews.metrics.handler.handler",
            surroundings=surroundings,
            environment={
                "MEASURES": _short(weekly(settings, specs)),
                "ALARM_PREFIX": f"{settings.prefix}-",
            },
            may=[
                *reads,
                # Asked for by prefix, which is judged as a question about all.
                allow("cloudwatch:DescribeAlarms", on=[alarms]),
                allow("cloudwatch:DescribeAlarmHistory", on=[own]),
            ],
            wildcards={
                **figures,
                alarms: "Alarms are listed by the prefix of their names",
                own: "The history of this environment's alarms",
            },
        )
        self.monthly = Review(
            self,
            "Monthly",
            kind=CAPACITY,
            handler="reviews.capacity.handler.handler",
            surroundings=surroundings,
            environment={"LINES": _short(capacity(settings, specs))},
            may=reads,
            wildcards=figures,
        )


def _short(document: Any) -> str:
    return json.dumps(document, separators=(",", ":"))
