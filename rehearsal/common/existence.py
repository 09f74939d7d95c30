"""Is a resource of a destroyed stack still there? Asked of the service that it belongs to."""

from collections.abc import Callable

from botocore.exceptions import ClientError

from rehearsal.common.errors import RehearsalError
from rehearsal.common.rehearsal import Clients, paged

# A 4xx that says so in its code; services spell it in a dozen ways.
_ABSENT = (
    *("NotFound", "NoSuchBucket", "NoSuchEntity", "DoesNotExist", "NotExist"),
    *("InvalidParameter", "NonExistentQueue"),
)


def _key(aws: Clients, key: str) -> bool:
    state: str = aws("kms").describe_key(KeyId=key)["KeyMetadata"]["KeyState"]
    return state == "Enabled"


def _rule(aws: Clients, rule: str) -> bool:
    found = aws("ec2").describe_security_group_rules()["SecurityGroupRules"]
    return any(entry["SecurityGroupRuleId"] == rule for entry in found)


def _listed(service: str, operation: str, found: str, key: str) -> Callable[[Clients, str], bool]:
    """Looked for in everything that there is."""

    def ask(aws: Clients, name: str) -> bool:
        return any(one[key] == name for one in paged(aws(service), operation, found))

    return ask


def _secret_policy(aws: Clients, secret: str) -> bool:
    return "ResourcePolicy" in aws("secretsmanager").get_resource_policy(SecretId=secret)


def _rotation(aws: Clients, secret: str) -> bool:
    return bool(aws("secretsmanager").describe_secret(SecretId=secret).get("RotationEnabled"))


# Service, operation and the parameter that takes the id: an answer means that it is there. With a
# fourth word the parameter takes a list, and that part of the answer has it.
_ASK: dict[str, str | Callable[[Clients, str], bool]] = {
    "AWS::CloudWatch::Alarm": "cloudwatch describe_alarms AlarmNames MetricAlarms",
    "AWS::CloudWatch::Dashboard": "cloudwatch get_dashboard DashboardName",
    "AWS::EC2::RouteTable": "ec2 describe_route_tables RouteTableIds RouteTables",
    "AWS::EC2::SecurityGroup": "ec2 describe_security_groups GroupIds SecurityGroups",
    "AWS::EC2::SecurityGroupEgress": _rule,
    "AWS::EC2::SecurityGroupIngress": _rule,
    "AWS::EC2::Subnet": "ec2 describe_subnets SubnetIds Subnets",
    "AWS::EC2::VPC": "ec2 describe_vpcs VpcIds Vpcs",
    "AWS::EC2::VPCEndpoint": "ec2 describe_vpc_endpoints VpcEndpointIds VpcEndpoints",
    "AWS::ElastiCache::ParameterGroup": (
        "elasticache describe_cache_parameter_groups CacheParameterGroupName"
    ),
    "AWS::ElastiCache::ReplicationGroup": (
        "elasticache describe_replication_groups ReplicationGroupId"
    ),
    "AWS::ElastiCache::SubnetGroup": (
        "elasticache describe_cache_subnet_groups CacheSubnetGroupName"
    ),
    "AWS::ElastiCache::User": "elasticache describe_users UserId",
    "AWS::ElastiCache::UserGroup": "elasticache describe_user_groups UserGroupId",
    "AWS::Events::Rule": "events describe_rule Name",
    "AWS::IAM::ManagedPolicy": "iam get_policy PolicyArn",
    "AWS::IAM::Role": "iam get_role RoleName",
    "AWS::KMS::Alias": _listed("kms", "list_aliases", "Aliases", "AliasName"),
    "AWS::KMS::Key": _key,
    "AWS::Lambda::Function": "lambda get_function FunctionName",
    "AWS::Logs::LogGroup": _listed("logs", "describe_log_groups", "logGroups", "logGroupName"),
    "AWS::Logs::ResourcePolicy": _listed(
        *("logs", "describe_resource_policies", "resourcePolicies", "policyName")
    ),
    "AWS::S3::Bucket": "s3 get_bucket_location Bucket",
    "AWS::SNS::Subscription": "sns get_subscription_attributes SubscriptionArn",
    "AWS::SNS::Topic": "sns get_topic_attributes TopicArn",
    "AWS::SQS::Queue": "sqs get_queue_attributes QueueUrl",
    "AWS::SSM::Parameter": "ssm get_parameter Name",
    "AWS::Scheduler::Schedule": "scheduler get_schedule Name",
    "AWS::SecretsManager::ResourcePolicy": _secret_policy,
    "AWS::SecretsManager::RotationSchedule": _rotation,
    "AWS::SecretsManager::Secret": "secretsmanager describe_secret SecretId",
    "AWS::StepFunctions::StateMachine": "stepfunctions describe_state_machine stateMachineArn",
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
    """Whether it is there; RehearsalError for a type that is missing in this file."""
    ask = _ASK.get(kind)
    if ask is None:
        raise RehearsalError(
            f"{kind} is deployed and common/existence.py does not know how to look for one: "
            "add it there, so that its deletion is proven too"
        )
    try:
        if callable(ask):
            return ask(aws, physical_id)
        service, operation, parameter, *found = ask.split()
        call = getattr(aws(service), operation)
        answer = call(**{parameter: [physical_id] if found else physical_id})
        return not found or bool(answer[found[0]])
    except ClientError as error:
        if any(word in error.response["Error"]["Code"] for word in _ABSENT):
            return False
        raise
