"""The weekly review of the configuration: what differs from the templates, and what is too wide."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from constructs import Construct
from constructs.common.acknowledge import acknowledge, wildcard
from constructs.common.encryption_key import EncryptionKey
from constructs.common.permissions import ManagedPolicy, Place, Statement, allow, place
from constructs.data.auth_token import AuthToken
from constructs.data.parameter_group import RedisParameters
from constructs.reviews.review import Review, ReviewSurroundings
from constructs.reviews.review_kinds import CONFIGURATION
from environments.access import access_arns
from environments.schema import PROJECT, Settings

READS = (
    "It reads configuration and changes nothing: what CloudFormation names, "
    "and lists that take no resource but *"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Things:
    """ARNs that no name of the settings gives."""

    keys: list[str]
    secrets: list[str]
    parameter_group: str
    bucket: str


class ConfigurationReview(Construct):
    """It reads every resource of the environment's stacks, and no value of a secret."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        surroundings: ReviewSurroundings,
        key: EncryptionKey,
        tokens: Sequence[AuthToken],
        parameters: RedisParameters,
    ) -> None:
        super().__init__(scope, construct_id)
        settings, here = surroundings.settings, place(self)
        things = Things(
            keys=[key.key_arn, surroundings.notifications.key.key_arn],
            secrets=[token.arn for token in tokens],
            parameter_group=parameters.ref,
            bucket=surroundings.store.bucket_arn,
        )
        ours = {
            "stacks": list(settings.stacks),
            "prefix": settings.prefix,
            "account": here.account,
            "key_arn": key.key_arn,
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


# They take no resource but *: Service Authorization Reference of each service.
ANYWHERE = (
    "chatbot:DescribeSlackChannelConfigurations",
    "chatbot:ListAssociations",
    "ec2:DescribeNetworkAcls",
    "ec2:DescribeRouteTables",
    "ec2:DescribeSecurityGroupRules",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcAttribute",
    "ec2:DescribeVpcEncryptionControls",
    "ec2:DescribeVpcEndpoints",
    "ec2:DescribeVpcs",
    "kms:ListAliases",
    "logs:DescribeIndexPolicies",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
)

_BUCKET = (
    "s3:GetAccelerateConfiguration",
    "s3:GetAnalyticsConfiguration",
    "s3:GetBucketAbac",
    "s3:GetBucketCORS",
    "s3:GetBucketLogging",
    "s3:GetBucketMetadataTableConfiguration",
    "s3:GetBucketNotification",
    "s3:GetBucketObjectLockConfiguration",
    "s3:GetBucketOwnershipControls",
    "s3:GetBucketPolicy",
    "s3:GetBucketPublicAccessBlock",
    "s3:GetBucketTagging",
    "s3:GetBucketVersioning",
    "s3:GetBucketWebsite",
    "s3:GetEncryptionConfiguration",
    "s3:GetIntelligentTieringConfiguration",
    "s3:GetInventoryConfiguration",
    "s3:GetLifecycleConfiguration",
    "s3:GetMetricsConfiguration",
    "s3:GetReplicationConfiguration",
    "s3:ListTagsForResource",
)


def drift_reads(settings: Settings, here: Place, things: Things) -> list[Statement]:
    """What CloudFormation reads to detect drift, with the permissions of whoever asks (§7.3).

    Statements for one environment's stacks, the widest last. Source: the read handlers in
    CloudFormation's own schemas of the types that our stacks have; a test holds this list to them.
    Left out on purpose:

    - ``secretsmanager:GetSecretValue``: the secret is not among what drift is detected of;
    - ``kms:Decrypt`` for functions: their variables are encrypted with Lambda's own key;
    - ``vpc-lattice:DescribeServiceNetworkVpcEndpointAssociation``: IAM knows no such action;
    - ``iam:PassRole`` for rules, ``resource-groups:…`` for associations: no read of ours takes it.
    """
    prefix, redis = settings.prefix, settings.redis
    cache = (
        f"replicationgroup:{redis.replication_group_id}",
        f"parametergroup:{things.parameter_group}",
        f"subnetgroup:{settings.network.subnet_group_name}",
        *access_arns(redis.replication_group_id),
    )
    return [
        allow(
            "elasticache:DescribeCacheParameterGroups",
            "elasticache:DescribeCacheParameters",
            "elasticache:DescribeCacheSubnetGroups",
            "elasticache:DescribeReplicationGroups",
            "elasticache:DescribeUserGroups",
            "elasticache:DescribeUsers",
            "elasticache:ListTagsForResource",
            on=[here.arn("elasticache", one) for one in cache],
        ),
        allow(
            "kms:DescribeKey",
            "kms:GetKeyPolicy",
            "kms:GetKeyRotationStatus",
            "kms:ListResourceTags",
            on=things.keys,
        ),
        allow("secretsmanager:DescribeSecret", on=things.secrets),
        allow(*_BUCKET, on=[things.bucket]),
        *_by_prefix(settings, here),
        # CloudFormation names roles and policies after their stacks, and shortens the name.
        allow(
            "iam:GetPolicy",
            "iam:GetPolicyVersion",
            "iam:GetRole",
            "iam:GetRolePolicy",
            "iam:ListAttachedRolePolicies",
            "iam:ListEntitiesForPolicy",
            "iam:ListRolePolicies",
            on=[f"arn:aws:iam::{here.account}:{kind}/{PROJECT}-*" for kind in ("policy", "role")],
        ),
        allow(
            "logs:GetDataProtectionPolicy",
            "logs:ListTagsForResource",
            on=[
                here.arn("logs", f"log-group:{name}*")
                for name in (f"/aws/lambda/{prefix}-", f"{settings.parameter_path}/")
            ],
        ),
        allow(*ANYWHERE, on=["*"]),
    ]


def _by_prefix(settings: Settings, here: Place) -> list[Statement]:
    prefix, path = settings.prefix, settings.parameter_path
    return [
        allow(
            "cloudwatch:DescribeAlarms",
            "cloudwatch:GetDashboard",
            "cloudwatch:ListTagsForResource",
            on=[
                here.arn("cloudwatch", f"alarm:{prefix}-*"),
                f"arn:aws:cloudwatch::{here.account}:dashboard/{prefix}",
            ],
        ),
        allow(
            "events:DescribeRule",
            "events:ListTagsForResource",
            "events:ListTargetsByRule",
            on=[here.arn("events", f"rule/{prefix}-*")],
        ),
        allow(
            "lambda:GetFunction",
            "lambda:GetFunctionCodeSigningConfig",
            "lambda:GetFunctionRecursionConfig",
            "lambda:GetFunctionScalingConfig",
            "lambda:GetPolicy",
            "lambda:GetRuntimeManagementConfig",
            on=[here.arn("lambda", f"function:{prefix}-*")],
        ),
        allow("scheduler:GetSchedule", on=[here.arn("scheduler", f"schedule/default/{prefix}-*")]),
        allow(
            "sns:GetDataProtectionPolicy",
            "sns:GetSubscriptionAttributes",
            "sns:GetTopicAttributes",
            "sns:ListSubscriptionsByTopic",
            "sns:ListTagsForResource",
            on=[here.arn("sns", f"{prefix}-*")],
        ),
        allow(
            "sqs:GetQueueAttributes",
            "sqs:ListQueueTags",
            on=[here.arn("sqs", f"{prefix}-*")],
        ),
        allow(
            "ssm:DescribeAssociation",
            "ssm:DescribeDocument",
            "ssm:GetDocument",
            "ssm:GetParameters",
            "ssm:ListTagsForResource",
            on=[
                here.arn("ssm", "association/*"),
                here.arn("ssm", f"document/{prefix}-*"),
                here.arn("ssm", f"parameter{path}/*"),
                here.arn("ssm", f"parameter{settings.manifest_name}"),
            ],
        ),
        allow(
            "states:DescribeStateMachine",
            "states:ListTagsForResource",
            on=[here.arn("states", f"stateMachine:{prefix}-*")],
        ),
    ]


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
