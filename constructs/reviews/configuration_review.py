"""The weekly review of the configuration: what differs from the templates, and what is too wide."""

import json
from collections.abc import Iterator, Sequence

from constructs import Construct
from constructs.common.acknowledge import acknowledge, wildcard
from constructs.common.arns import Place, place
from constructs.common.permissions import ManagedPolicy, Statement, allow
from constructs.data.auth_token import AuthToken
from constructs.data.data_key import DataKey
from constructs.data.parameter_group import ParameterGroup
from constructs.reviews.drift_reads import Things, drift_reads
from constructs.reviews.review import Review, ReviewSurroundings
from constructs.reviews.review_kinds import CONFIGURATION
from environments.schema import Settings

READS = (
    "It reads configuration and changes nothing: what CloudFormation names, "
    "and lists that take no resource but *"
)


class ConfigurationReview(Construct):
    """It reads every resource of the environment's stacks, and no value of a secret."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        surroundings: ReviewSurroundings,
        key: DataKey,
        tokens: Sequence[AuthToken],
        parameters: ParameterGroup,
    ) -> None:
        super().__init__(scope, construct_id)
        settings, here = surroundings.settings, place(self)
        things = Things(
            keys=[key.arn, surroundings.notifications.key.arn],
            secrets=[token.arn for token in tokens],
            parameter_group=parameters.ref,
            bucket=surroundings.store.arn,
        )
        ours = {
            "stacks": list(settings.stacks),
            "prefix": settings.prefix,
            "account": here.account,
            "key_arn": key.arn,
            "logs": [f"/aws/lambda/{settings.prefix}-", f"{settings.parameter_path}/"],
        }
        drift = self._policy(
            "Drift",
            "What CloudFormation reads for the review of the configuration",
            drift_reads(settings, here, things),
        )
        own = _own_reads(settings, here, things)
        self.review = Review(
            self,
            "Weekly",
            kind=CONFIGURATION,
            handler="reviews.configuration.handler",
            surroundings=surroundings,
            environment={"OURS": json.dumps(ours)},
            may=own,
            wildcards=dict.fromkeys(_wildcards(own), READS),
            besides=[drift],
        )

    def _policy(
        self, construct_id: str, description: str, statements: Sequence[Statement]
    ) -> ManagedPolicy:
        policy = ManagedPolicy(self, construct_id, description=description, statements=statements)
        rules = dict.fromkeys(wildcard(arn) for arn in _wildcards(statements))
        acknowledge(policy, *rules, reason=READS)
        return policy


def _wildcards(statements: Sequence[Statement]) -> Iterator[str]:
    for statement in statements:
        resources = statement["Resource"]
        for arn in [resources] if isinstance(resources, str) else resources:
            if "*" in arn:
                yield arn


def _own_reads(settings: Settings, here: Place, things: Things) -> list[Statement]:
    """What lambda/reviews asks by itself, beyond what CloudFormation asks for it."""
    stacks = [here.arn("cloudformation", f"stack/{name}/*") for name in settings.stacks]
    return [
        allow(
            "cloudformation:DescribeStackResourceDrifts",
            "cloudformation:DetectStackDrift",
            "cloudformation:DetectStackResourceDrift",
            "cloudformation:GetTemplate",
            "cloudformation:ListStackResources",
            on=stacks,
        ),
        allow("cloudformation:DescribeStackDriftDetectionStatus", on=["*"]),  # an id, no ARN
        allow("secretsmanager:GetResourcePolicy", on=things.secrets),
        # What was left behind has names that are not known.
        allow(
            "elasticache:DescribeCacheParameterGroups",
            on=[here.arn("elasticache", "parametergroup:*")],
        ),
        allow("elasticache:DescribeSnapshots", on=[here.arn("elasticache", "snapshot:*")]),
    ]
