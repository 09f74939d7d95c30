"""What tells that a review did not run, and runs one that never did (§7)."""

import json
from collections.abc import Sequence

from constructs import Construct
from constructs.common.own_function import OwnFunction
from constructs.common.permissions import allow
from constructs.common.scheduled import every, invoke_on_schedule
from constructs.reviews.review import OUTSIDE, PACKAGE, Review, ReviewSurroundings

EVERY_MINUTES = 15  # longer than a review takes: one that fails is begun again, none beside itself
LONGEST_SECONDS = 60


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
                "REPORTS_BUCKET": store.name,
                "REPLICATION_GROUP_ID": settings.redis.replication_group_id,
                "WATCHED": json.dumps(watched),
                **({"TEST_MONTHLY": "true"} if settings.notifications.test_monthly else {}),
            },
            may=[
                store.list_statement([f"{name}/ran.json" for name in watched]),
                allow("lambda:InvokeFunction", on=[one.function.arn for one in reviews]),
            ],
            timeout_seconds=LONGEST_SECONDS,
            key=surroundings.notifications.key,
            log_retention_days=settings.redis.log_retention_days,
            outside=OUTSIDE,
        )
        invoke_on_schedule(
            self,
            "Schedule",
            function=function,
            what="review watch",
            description="Publish how long ago each review ran",
            expression=every(EVERY_MINUTES),
            event={"scheduled": True},
        )
