"""Is a resource of a destroyed stack still there? Asked of the service that it belongs to."""

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from rehearsal.common.errors import RehearsalError
from rehearsal.common.rehearsal import Clients

# A 4xx that says so in its code; services spell it in a dozen ways.
_ABSENT = (
    "NotFound",
    "NoSuchBucket",
    "NoSuchEntity",
    "DoesNotExist",
    "NotExist",
    "InvalidParameter",
    "NonExistentQueue",
)


def _answer(service: str, operation: str, parameter: str) -> Callable[[Clients, str], Any]:
    def ask(aws: Clients, physical_id: str) -> Any:
        return getattr(aws(service), operation)(**{parameter: physical_id})

    return ask


def _key(aws: Clients, key: str) -> bool:
    state: str = aws("kms").describe_key(KeyId=key)["KeyMetadata"]["KeyState"]
    return state == "Enabled"


def _alias(aws: Clients, alias: str) -> bool:
    pages = aws("kms").get_paginator("list_aliases").paginate()
    return any(found["AliasName"] == alias for page in pages for found in page["Aliases"])


def _log_group(aws: Clients, name: str) -> bool:
    found = aws("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    return any(group["logGroupName"] == name for group in found)


def _log_policy(aws: Clients, name: str) -> bool:
    found = aws("logs").describe_resource_policies()["resourcePolicies"]
    return any(policy["policyName"] == name for policy in found)


def _alarm(aws: Clients, name: str) -> bool:
    return bool(aws("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"])


def _rule(aws: Clients, rule: str) -> bool:
    found = aws("ec2").describe_security_group_rules()["SecurityGroupRules"]
    return any(entry["SecurityGroupRuleId"] == rule for entry in found)


def _secret_policy(aws: Clients, secret: str) -> bool:
    return "ResourcePolicy" in aws("secretsmanager").get_resource_policy(SecretId=secret)


def _rotation(aws: Clients, secret: str) -> bool:
    return bool(aws("secretsmanager").describe_secret(SecretId=secret).get("RotationEnabled"))


def _of_ec2(operation: str, ids: str, found: str) -> Callable[[Clients, str], Any]:
    return lambda aws, name: getattr(aws("ec2"), operation)(**{ids: [name]})[found]


_ASK: dict[str, Callable[[Clients, str], Any]] = {
    "AWS::CloudWatch::Alarm": _alarm,
    "AWS::CloudWatch::Dashboard": _answer("cloudwatch", "get_dashboard", "DashboardName"),
    "AWS::EC2::RouteTable": _of_ec2("describe_route_tables", "RouteTableIds", "RouteTables"),
    "AWS::EC2::SecurityGroup": _of_ec2("describe_security_groups", "GroupIds", "SecurityGroups"),
    "AWS::EC2::SecurityGroupEgress": _rule,
    "AWS::EC2::SecurityGroupIngress": _rule,
    "AWS::EC2::Subnet": _of_ec2("describe_subnets", "SubnetIds", "Subnets"),
    "AWS::EC2::VPC": _of_ec2("describe_vpcs", "VpcIds", "Vpcs"),
    "AWS::EC2::VPCEndpoint": _of_ec2("describe_vpc_endpoints", "VpcEndpointIds", "VpcEndpoints"),
    "AWS::ElastiCache::ParameterGroup": _answer(
        "elasticache", "describe_cache_parameter_groups", "CacheParameterGroupName"
    ),
    "AWS::ElastiCache::ReplicationGroup": _answer(
        "elasticache", "describe_replication_groups", "ReplicationGroupId"
    ),
    "AWS::ElastiCache::SubnetGroup": _answer(
        "elasticache", "describe_cache_subnet_groups", "CacheSubnetGroupName"
    ),
    "AWS::ElastiCache::User": _answer("elasticache", "describe_users", "UserId"),
    "AWS::ElastiCache::UserGroup": _answer("elasticache", "describe_user_groups", "UserGroupId"),
    "AWS::Events::Rule": _answer("events", "describe_rule", "Name"),
    "AWS::IAM::ManagedPolicy": _answer("iam", "get_policy", "PolicyArn"),
    "AWS::IAM::Role": _answer("iam", "get_role", "RoleName"),
    "AWS::KMS::Alias": _alias,
    "AWS::KMS::Key": _key,
    "AWS::Lambda::Function": _answer("lambda", "get_function", "FunctionName"),
    "AWS::Logs::LogGroup": _log_group,
    "AWS::Logs::ResourcePolicy": _log_policy,
    "AWS::S3::Bucket": _answer("s3", "get_bucket_location", "Bucket"),
    "AWS::SNS::Subscription": _answer("sns", "get_subscription_attributes", "SubscriptionArn"),
    "AWS::SNS::Topic": _answer("sns", "get_topic_attributes", "TopicArn"),
    "AWS::SQS::Queue": _answer("sqs", "get_queue_attributes", "QueueUrl"),
    "AWS::SSM::Parameter": _answer("ssm", "get_parameter", "Name"),
    "AWS::Scheduler::Schedule": _answer("scheduler", "get_schedule", "Name"),
    "AWS::SecretsManager::ResourcePolicy": _secret_policy,
    "AWS::SecretsManager::RotationSchedule": _rotation,
    "AWS::SecretsManager::Secret": _answer("secretsmanager", "describe_secret", "SecretId"),
    "AWS::StepFunctions::StateMachine": _answer(
        "stepfunctions", "describe_state_machine", "stateMachineArn"
    ),
}

# They live and die with what they belong to, and have no address of their own; Chatbot and Systems
# Manager's documents have no API in the embedded AWS.
_PARTS = {
    "AWS::CDK::Metadata",
    "AWS::Chatbot::SlackChannelConfiguration",
    "AWS::EC2::SubnetRouteTableAssociation",
    "AWS::IAM::Policy",
    "AWS::Lambda::Permission",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
    "AWS::SSM::Association",
    "AWS::SSM::Document",
}


def has_address(kind: str) -> bool:
    """Whether a resource of this type can be asked for by itself."""
    return kind not in _PARTS


def exists(aws: Clients, kind: str, physical_id: str) -> bool:
    """Whether it is there; RehearsalError for a type that nobody taught this file."""
    ask = _ASK.get(kind)
    if ask is None:
        raise RehearsalError(
            f"{kind} is deployed and common/existence.py does not know how to look for one: "
            "add it there, so that its deletion is proven too"
        )
    try:
        return bool(ask(aws, physical_id))
    except ClientError as error:
        if any(word in error.response["Error"]["Code"] for word in _ABSENT):
            return False
        raise
