"""The weekly review of the configuration: what differs from the templates, and what is too wide."""

import json
from collections.abc import Sequence
from functools import partial

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


def _reads(here: Place, service: str, names: str, *resources: str) -> Statement:
    """``names`` are actions of a service, ``resources`` its own here, whole ARNs, or ``*``."""
    whole = ("arn:", "${Token[", "*")
    arns = [one if one.startswith(whole) else here.arn(service, one) for one in resources]
    return allow(*(f"{service}:{name}" for name in names.split()), on=arns, because=READS)


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
    settings, bucket_arn = shared.settings, shared.store.bucket_arn
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
    logs = (f"log-group:/aws/lambda/{prefix}-*", f"log-group:{path}/*")
    documents = ["association/*", f"document/{prefix}-*", f"parameter{path}/*"]
    documents.append(f"parameter{settings.manifest_name}")
    reads = partial(_reads, here)
    return [
        reads(
            "elasticache",
            "DescribeCacheParameterGroups DescribeCacheParameters DescribeCacheSubnetGroups "
            "DescribeReplicationGroups DescribeUserGroups DescribeUsers ListTagsForResource",
            *cache,
        ),
        reads("kms", "DescribeKey GetKeyPolicy GetKeyRotationStatus ListResourceTags", *keys),
        reads("secretsmanager", "DescribeSecret", *secrets),
        reads(
            "s3",
            "GetAccelerateConfiguration GetAnalyticsConfiguration GetBucketAbac GetBucketCORS "
            "GetBucketLogging GetBucketMetadataTableConfiguration GetBucketNotification "
            "GetBucketObjectLockConfiguration GetBucketOwnershipControls GetBucketPolicy "
            "GetBucketPublicAccessBlock GetBucketTagging GetBucketVersioning GetBucketWebsite "
            "GetEncryptionConfiguration GetIntelligentTieringConfiguration "
            "GetInventoryConfiguration GetLifecycleConfiguration GetMetricsConfiguration "
            "GetReplicationConfiguration ListTagsForResource",
            bucket_arn,
        ),
        reads(
            "cloudwatch",
            "DescribeAlarms GetDashboard ListTagsForResource",
            f"alarm:{prefix}-*",
            f"arn:aws:cloudwatch::{here.account}:dashboard/{prefix}",
        ),
        reads("events", "DescribeRule ListTagsForResource ListTargetsByRule", f"rule/{prefix}-*"),
        reads(
            "lambda",
            "GetFunction GetFunctionCodeSigningConfig GetFunctionRecursionConfig "
            "GetFunctionScalingConfig GetPolicy GetRuntimeManagementConfig",
            f"function:{prefix}-*",
        ),
        reads("scheduler", "GetSchedule", f"schedule/default/{prefix}-*"),
        reads(
            "sns",
            "GetDataProtectionPolicy GetSubscriptionAttributes GetTopicAttributes "
            "ListSubscriptionsByTopic ListTagsForResource",
            f"{prefix}-*",
        ),
        reads("sqs", "GetQueueAttributes ListQueueTags", f"{prefix}-*"),
        reads(
            "ssm",
            "DescribeAssociation DescribeDocument GetDocument GetParameters ListTagsForResource",
            *documents,
        ),
        reads("states", "DescribeStateMachine ListTagsForResource", f"stateMachine:{prefix}-*"),
        reads(
            "iam",
            "GetPolicy GetPolicyVersion GetRole GetRolePolicy ListAttachedRolePolicies "
            "ListEntitiesForPolicy ListRolePolicies",
            *ours,
        ),
        reads("logs", "GetDataProtectionPolicy ListTagsForResource", *logs),
        # They take no resource but *: Service Authorization Reference of each service.
        reads("chatbot", "DescribeSlackChannelConfigurations ListAssociations", "*"),
        reads(
            "ec2",
            "DescribeNetworkAcls DescribeRouteTables DescribeSecurityGroupRules "
            "DescribeSecurityGroups DescribeSubnets DescribeVpcAttribute "
            "DescribeVpcEncryptionControls DescribeVpcEndpoints DescribeVpcs",
            "*",
        ),
        reads("kms", "ListAliases", "*"),
        reads("logs", "DescribeIndexPolicies DescribeLogGroups DescribeResourcePolicies", "*"),
    ]


def _own_reads(settings: Settings, here: Place, secrets: Sequence[str]) -> list[Statement]:
    """What lambda/reviews asks by itself, beyond what CloudFormation asks for it."""
    reads = partial(_reads, here)
    return [
        reads(
            "cloudformation",
            "DescribeStackResourceDrifts DetectStackDrift DetectStackResourceDrift GetTemplate "
            "ListStackResources",
            *(f"stack/{name}/*" for name in settings.stacks),
        ),
        reads("cloudformation", "DescribeStackDriftDetectionStatus", "*"),  # an id, no ARN
        reads("secretsmanager", "GetResourcePolicy", *secrets),
        # What was left behind has names that are not known.
        reads("elasticache", "DescribeCacheParameterGroups", "parametergroup:*"),
        reads("elasticache", "DescribeSnapshots", "snapshot:*"),
    ]
