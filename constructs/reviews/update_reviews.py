"""What is newer than what runs: security updates daily, everything monthly (§7.1)."""

import json
from typing import Any

from constructs import Construct
from constructs.common.arns import place
from constructs.common.permissions import Statement, allow
from constructs.reviews.review import Review, ReviewSurroundings
from constructs.reviews.review_kinds import SECURITY_UPDATES, UPDATES, ReviewKind
from environments.advice import HOURS_A_MONTH
from environments.engines import EXTENDED_SUPPORT_PERCENT
from environments.node_types import PRICE_REGION, PRICES_AS_OF
from environments.schema import Settings


class UpdateReviews(Construct):
    """Two reviews that read ElastiCache and change nothing: applying is a person's or CI's."""

    def __init__(
        self, scope: Construct, construct_id: str, *, surroundings: ReviewSurroundings
    ) -> None:
        super().__init__(scope, construct_id)
        settings, here = surroundings.settings, place(self)
        group_id = settings.redis.replication_group_id
        group = here.arn("elasticache", f"replicationgroup:{group_id}")
        nodes = here.arn("elasticache", f"cluster:{settings.redis.topology.member_pattern}")
        updates = [
            allow("elasticache:DescribeUpdateActions", on=[group]),
            allow("elasticache:DescribeServiceUpdates", on=["*"]),  # they have no ARN to name
        ]
        self.security = self._review(
            "Security", "reviews.security.handler", surroundings, SECURITY_UPDATES, {}, updates
        )
        versions = [
            allow("elasticache:DescribeReplicationGroups", on=[group]),
            allow("elasticache:DescribeCacheClusters", on=[nodes]),
            allow("elasticache:DescribeCacheEngineVersions", on=["*"]),  # they have no ARN either
        ]
        self.monthly = self._review(
            "Monthly",
            "reviews.updates.handler",
            surroundings,
            UPDATES,
            {"SUPPORT": json.dumps(_support(settings))},
            [*updates, *versions],
        )

    def _review(
        self,
        construct_id: str,
        handler: str,
        surroundings: ReviewSurroundings,
        kind: ReviewKind,
        environment: dict[str, str],
        may: list[Statement],
    ) -> Review:
        lists = "ElastiCache's lists of updates and versions take no resource but *"
        return Review(
            self,
            construct_id,
            kind=kind,
            handler=handler,
            surroundings=surroundings,
            environment=environment,
            may=may,
            wildcards={"*": lists},
        )


def _support(settings: Settings) -> dict[str, Any]:
    """What lambda/reviews/updates.py is told."""
    redis = settings.redis
    engine, price = redis.engine, redis.node_type.price(redis.engine.engine)
    nodes = redis.topology.node_count
    return {
        "engine": f"{'Redis' if engine.engine == 'redis' else 'Valkey'} {engine.version}",
        "ends": engine.standard_support_ends and engine.standard_support_ends.isoformat(),
        "monthly": None if price is None else nodes * price * HOURS_A_MONTH,
        "percent": EXTENDED_SUPPORT_PERCENT,
        "price": f"{nodes} nodes at {PRICE_REGION}'s list price of {PRICES_AS_OF}",
    }
