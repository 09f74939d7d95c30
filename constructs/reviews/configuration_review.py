"""The weekly review of the configuration: what differs from the templates, and what is too wide."""

import json
from collections.abc import Sequence

from constructs import Construct
from constructs.common.encryption_key import EncryptionKey
from constructs.common.permissions import ManagedPolicy, Place, Statement, allow, place
from constructs.data.auth_token import AuthToken
from constructs.data.replication_group import ParameterGroup
from constructs.reviews.review import Review, Shared
from constructs.reviews.review_kinds import CONFIGURATION
from environments.access import access_arns
from environments.schema import PROJECT, Settings

READS = (
    "It reads configuration and changes nothing: what CloudFormation names, "
    "and lists that take no resource but *"
)


def configuration_review(
    scope: Construct,
    shared: Shared,
    key: EncryptionKey,
    tokens: Sequence[AuthToken],
    parameters: ParameterGroup,
) -> Review:
    """It reads every resource of the environment's stacks, and no value of a secret."""
    settings, here = shared.settings, place(scope)
    secrets = [token.arn for token in tokens]
    ours = {
        "stacks": list(settings.stacks),
        "prefix": settings.prefix,
        "account": here.account,
        "key_arn": key.key_arn,
        "logs": [f"/aws/lambda/{settings.prefix}-", f"{settings.parameter_path}/"],
    }
    keys = [key.key_arn, shared.notifications.key.key_arn]
    drift = ManagedPolicy(
        scope,
        "Drift",
        description="What CloudFormation reads for the review of the configuration",
        statements=drift_reads(shared, here, keys, secrets, parameters.ref),
    )
    given, own = {"OURS": json.dumps(ours)}, _own_reads(settings, here, secrets)
    return Review(scope, "Weekly", shared, CONFIGURATION, "configuration", given, own, [drift])


def _reads(service: str, names: str, *, on: Sequence[str]) -> Statement:
    """``names`` are actions of a service, with spaces between them."""
    return allow(*(f"{service}:{name}" for name in names.split()), on=on, because=READS)


def drift_reads(
    shared: Shared, here: Place, keys: Sequence[str], secrets: Sequence[str], parameter_group: str
) -> list[Statement]:
    """What CloudFormation reads to detect drift, with the permissions of whoever asks (§7.3).

    Statements for one environment's stacks, the widest last. Source: the read handlers in
    CloudFormation's own schemas of the types that our stacks have; a test holds this list to them.
    Left out on purpose:

    - ``secretsmanager:GetSecretValue``: the secret is not among what drift is detected of;
    - ``kms:Decrypt`` for functions: their variables are encrypted with Lambda's own key;
    - ``vpc-lattice:DescribeServiceNetworkVpcEndpointAssociation``: IAM knows no such action;
    - ``iam:PassRole`` for rules, ``resource-groups:…`` for associations: no read of ours takes it.
    """
    settings = shared.settings
    prefix, redis, path = settings.prefix, settings.redis, settings.parameter_path
    cache = (
        f"replicationgroup:{redis.replication_group_id}",
        f"parametergroup:{parameter_group}",
        # An attached group's subnets are in no stack of ours: no drift is read of them.
        *(() if redis.existing else (f"subnetgroup:{settings.network.subnet_group_name}",)),
        *access_arns(redis.replication_group_id),
    )
    # CloudFormation names roles and policies after their stacks, and shortens the name.
    ours = [f"arn:aws:iam::{here.account}:{kind}/{PROJECT}-*" for kind in ("policy", "role")]
    logs = (f"/aws/lambda/{prefix}-", f"{path}/")
    documents = ("association/*", f"document/{prefix}-*", f"parameter{path}/*")
    return [
        _reads(
            "elasticache",
            "DescribeCacheParameterGroups DescribeCacheParameters DescribeCacheSubnetGroups "
            "DescribeReplicationGroups DescribeUserGroups DescribeUsers ListTagsForResource",
            on=[here.arn("elasticache", one) for one in cache],
        ),
        _reads("kms", "DescribeKey GetKeyPolicy GetKeyRotationStatus ListResourceTags", on=keys),
        _reads("secretsmanager", "DescribeSecret", on=secrets),
        _reads(
            "s3",
            "GetAccelerateConfiguration GetAnalyticsConfiguration GetBucketAbac GetBucketCORS "
            "GetBucketLogging GetBucketMetadataTableConfiguration GetBucketNotification "
            "GetBucketObjectLockConfiguration GetBucketOwnershipControls GetBucketPolicy "
            "GetBucketPublicAccessBlock GetBucketTagging GetBucketVersioning GetBucketWebsite "
            "GetEncryptionConfiguration GetIntelligentTieringConfiguration "
            "GetInventoryConfiguration GetLifecycleConfiguration GetMetricsConfiguration "
            "GetReplicationConfiguration ListTagsForResource",
            on=[shared.store.bucket_arn],
        ),
        _reads(
            "cloudwatch",
            "DescribeAlarms GetDashboard ListTagsForResource",
            on=[
                here.arn("cloudwatch", f"alarm:{prefix}-*"),
                f"arn:aws:cloudwatch::{here.account}:dashboard/{prefix}",
            ],
        ),
        _reads(
            "events",
            "DescribeRule ListTagsForResource ListTargetsByRule",
            on=[here.arn("events", f"rule/{prefix}-*")],
        ),
        _reads(
            "lambda",
            "GetFunction GetFunctionCodeSigningConfig GetFunctionRecursionConfig "
            "GetFunctionScalingConfig GetPolicy GetRuntimeManagementConfig",
            on=[here.arn("lambda", f"function:{prefix}-*")],
        ),
        _reads(
            "scheduler", "GetSchedule", on=[here.arn("scheduler", f"schedule/default/{prefix}-*")]
        ),
        _reads(
            "sns",
            "GetDataProtectionPolicy GetSubscriptionAttributes GetTopicAttributes "
            "ListSubscriptionsByTopic ListTagsForResource",
            on=[here.arn("sns", f"{prefix}-*")],
        ),
        _reads("sqs", "GetQueueAttributes ListQueueTags", on=[here.arn("sqs", f"{prefix}-*")]),
        _reads(
            "ssm",
            "DescribeAssociation DescribeDocument GetDocument GetParameters ListTagsForResource",
            on=[here.arn("ssm", one) for one in (*documents, f"parameter{settings.manifest_name}")],
        ),
        _reads(
            "states",
            "DescribeStateMachine ListTagsForResource",
            on=[here.arn("states", f"stateMachine:{prefix}-*")],
        ),
        _reads(
            "iam",
            "GetPolicy GetPolicyVersion GetRole GetRolePolicy ListAttachedRolePolicies "
            "ListEntitiesForPolicy ListRolePolicies",
            on=ours,
        ),
        _reads(
            "logs",
            "GetDataProtectionPolicy ListTagsForResource",
            on=[here.arn("logs", f"log-group:{name}*") for name in logs],
        ),
        # They take no resource but *: Service Authorization Reference of each service.
        _reads("chatbot", "DescribeSlackChannelConfigurations ListAssociations", on=["*"]),
        _reads(
            "ec2",
            "DescribeNetworkAcls DescribeRouteTables DescribeSecurityGroupRules "
            "DescribeSecurityGroups DescribeSubnets DescribeVpcAttribute "
            "DescribeVpcEncryptionControls DescribeVpcEndpoints DescribeVpcs",
            on=["*"],
        ),
        _reads("kms", "ListAliases", on=["*"]),
        _reads(
            "logs", "DescribeIndexPolicies DescribeLogGroups DescribeResourcePolicies", on=["*"]
        ),
    ]


def _own_reads(settings: Settings, here: Place, secrets: Sequence[str]) -> list[Statement]:
    """What lambda/reviews asks by itself, beyond what CloudFormation asks for it."""
    stacks = [here.arn("cloudformation", f"stack/{name}/*") for name in settings.stacks]
    return [
        _reads(
            "cloudformation",
            "DescribeStackResourceDrifts DetectStackDrift DetectStackResourceDrift GetTemplate "
            "ListStackResources",
            on=stacks,
        ),
        _reads("cloudformation", "DescribeStackDriftDetectionStatus", on=["*"]),  # an id, no ARN
        _reads("secretsmanager", "GetResourcePolicy", on=secrets),
        # What was left behind has names that are not known.
        _reads(
            "elasticache",
            "DescribeCacheParameterGroups",
            on=[here.arn("elasticache", "parametergroup:*")],
        ),
        _reads("elasticache", "DescribeSnapshots", on=[here.arn("elasticache", "snapshot:*")]),
    ]
