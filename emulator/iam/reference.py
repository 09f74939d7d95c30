"""The resources that each action is judged on: the part that this project calls.

Source: the Service Authorization Reference of each service. A target is a parameter of the request
and the ARN that its value gives; a parameter that was not given has the target's `otherwise`
in its place, or adds nothing. An action without targets takes no resource but ``*``.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """`resource` is the last part of the ARN, {} being the parameter's value."""

    parameter: str
    resource: str
    otherwise: str | None = None


def _cache(kind: str, parameter: str, otherwise: str | None = None) -> Target:
    return Target(parameter, f"{kind}:{{}}", otherwise)


_GROUP = _cache("replicationgroup", "ReplicationGroupId", "*")
_PARAMETERS = _cache("parametergroup", "CacheParameterGroupName", "*")
_SNAPSHOT = _cache("snapshot", "SnapshotName", "*")
_SECRET = (Target("SecretId", "secret:{}"),)
_PARAMETER = (Target("Name", "parameter/{}"),)
_ALARMS = (Target("AlarmNames", "alarm:{}", "*"),)
_LOG_STREAM = (Target("logGroupName", "log-group:{}:log-stream:{stream}"),)

ELASTICACHE: Mapping[str, tuple[Target, ...]] = {
    "AddTagsToResource": (Target("ResourceName", "{}"),),
    "CreateReplicationGroup": (
        _GROUP,
        _PARAMETERS,
        _cache("subnetgroup", "CacheSubnetGroupName"),
        _cache("snapshot", "SnapshotName"),
        _cache("cluster", "PrimaryClusterId"),
        _cache("usergroup", "UserGroupIds"),
    ),
    "DeleteReplicationGroup": (_GROUP, _cache("snapshot", "FinalSnapshotIdentifier")),
    "DescribeCacheClusters": (_cache("cluster", "CacheClusterId", "*"),),
    "DescribeCacheEngineVersions": (),
    "DescribeCacheParameterGroups": (_PARAMETERS,),
    "DescribeCacheParameters": (_PARAMETERS,),
    "DescribeReplicationGroups": (_GROUP,),
    "DescribeServiceUpdates": (),
    "DescribeSnapshots": (_SNAPSHOT,),
    "DescribeUpdateActions": (_cache("replicationgroup", "ReplicationGroupIds", "*"),),
    "DescribeUserGroups": (_cache("usergroup", "UserGroupId", "*"),),
    "DescribeUsers": (_cache("user", "UserId", "*"),),
    "ModifyReplicationGroup": (
        _GROUP,
        _cache("parametergroup", "CacheParameterGroupName"),
        _cache("usergroup", "UserGroupIdsToAdd"),
        _cache("usergroup", "UserGroupIdsToRemove"),
    ),
    "ModifyUser": (_cache("user", "UserId"),),
}

_STACK = (Target("StackName", "stack/{}/id"),)
_ROLE = (Target("RoleName", "role/{}"),)

ACTIONS: Mapping[str, Mapping[str, tuple[Target, ...]]] = {
    "cloudformation": {
        "DescribeStackDriftDetectionStatus": (),
        "DescribeStackResourceDrifts": _STACK,
        "DetectStackDrift": _STACK,
        "GetTemplate": _STACK,
        "ListStackResources": _STACK,
    },
    "cloudwatch": {
        "DescribeAlarmHistory": (Target("AlarmName", "alarm:{}", "*"),),
        "DescribeAlarms": _ALARMS,
        "GetMetricData": (),
        "PutMetricData": (),
    },
    "ec2": {
        "DescribeSecurityGroupRules": (),
        "DescribeSecurityGroups": (),
    },
    "elasticache": ELASTICACHE,
    "iam": {"ListAttachedRolePolicies": _ROLE, "ListRolePolicies": _ROLE},
    "kms": {"GetKeyPolicy": (Target("KeyId", "key/{}"),)},
    "lambda": {
        "GetPolicy": (Target("FunctionName", "function:{}"),),
        "InvokeFunction": (Target("FunctionName", "function:{}"),),
    },
    "logs": {
        "CreateLogStream": _LOG_STREAM,
        "DescribeLogGroups": (),
        "PutLogEvents": _LOG_STREAM,
    },
    "s3": {
        "GetBucketPolicy": (Target("Bucket", "{}"),),
        "GetObject": (Target("Object", "{}"),),
        "ListBucket": (Target("Bucket", "{}"),),
        "PutObject": (Target("Object", "{}"),),
    },
    "secretsmanager": {
        "DescribeSecret": _SECRET,
        "GetRandomPassword": (),
        "GetResourcePolicy": _SECRET,
        "GetSecretValue": _SECRET,
        "PutSecretValue": _SECRET,
        "TagResource": _SECRET,
        "UntagResource": _SECRET,
        "UpdateSecretVersionStage": _SECRET,
    },
    "sns": {
        "GetTopicAttributes": (Target("TopicArn", "{}"),),
        "ListSubscriptionsByTopic": (Target("TopicArn", "{}"),),
        "Publish": (Target("TopicArn", "{}"),),
    },
    "sqs": {"GetQueueAttributes": (Target("QueueUrl", "{}"),)},
    "ssm": {
        "GetParameter": _PARAMETER,
        "GetParameters": (Target("Names", "parameter/{}"),),
        "GetParametersByPath": (Target("Path", "parameter/{}"),),
        "PutParameter": _PARAMETER,
    },
    "states": {
        "DescribeExecution": (Target("executionArn", "{}"),),
        "DescribeStateMachine": (Target("stateMachineArn", "{}"),),
        "ListExecutions": (Target("stateMachineArn", "{}"),),
    },
}

# Further actions that an action needs: the reference's column "Dependent actions".
DEPENDENT: Mapping[str, tuple[str, ...]] = {
    "elasticache:CreateReplicationGroup": (
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets",
        "ec2:DescribeVpcs",
    ),
}

# What else the judgement looks at: keys, tags, and the kind of a parameter.
_OTHER_PARAMETERS = frozenset({"KmsKeyId", "Tags", "Namespace", "Prefix", "Type", "logStreamName"})

# The only parameters of a request that are recorded.
IDENTIFYING = _OTHER_PARAMETERS | {
    target.parameter
    for actions in ACTIONS.values()
    for targets in actions.values()
    for target in targets
}
