"""The plan's lines as they are in production's templates, each with its sections.

What else a template has is in tests/snapshots, as it was reviewed.
"""

import json
from typing import Any

import pytest

from environments.load import environment_names
from tests.stacks.template import HERE, PREFIX
from tests.support import Stacks
from tools.assembly import Stack

GROUP, PARAMETERS = "ElastiCache::ReplicationGroup", "ElastiCache::ParameterGroup"
CACHE_USER, USERS = "ElastiCache::User", "ElastiCache::UserGroup"
ACCESS, INTO = "EC2::SecurityGroup", "EC2::SecurityGroupIngress"
TOPIC, SUBSCRIPTION, INVOKE = "SNS::Topic", "SNS::Subscription", "Lambda::Permission"
PARAMETER, SUBNETS = "SSM::Parameter", "ElastiCache::SubnetGroup"
TOKEN, SCHEDULE = "SecretsManager::Secret", "SecretsManager::RotationSchedule"
SECRET = {"Ref": "TokenSecretD0591E06"}
VALUES = f"{PREFIX}-server-values"
EVENTS = f"arn:aws:sns:{HERE}:{PREFIX}-events"
REPORTER = {"Fn::GetAtt": ["EventsFunctionB0B7122B", "Arn"]}
UNREAD = {"Fn::GetAtt": ["EventsUnread69D1181E", "Arn"]}
URL = {
    name: {"Fn::Join": ["", ["rediss://", {"Fn::GetAtt": ["RedisGroup88ACAA33", at]}, ":6379"]]}
    for name, at in (
        ("REDIS_URL", "PrimaryEndPoint.Address"),
        ("REDIS_READER_URL", "ReaderEndPoint.Address"),
    )
}
PATH = "/vibewell/production/redis/"
PUBLISHED = URL | {
    "REDIS_PASSWORD_SECRET_ARN": SECRET,
    "REDIS_ENABLED": "true",
    "REDIS_TLS": "true",
    "REDIS_TIMEOUT": "5000",
    "REDIS_MAX_RECONNECT_ATTEMPTS": "10",
    "REDIS_POOL_SIZE": "20",
    "REDIS_INSTANCES": "40",  # of 20 connections: below the 5000 at which the alarm pages
    "REDIS_POOL_IDLE_SECONDS": "60",
    "RATE_LIMIT_GENERAL": "120,60",
    "RATE_LIMIT_AUTH": "30,60",
    "RATE_LIMIT_SENSITIVE": "10,60",
    "RATE_LIMIT_ADMIN": "300,60",
    "RATE_LIMIT_MFA": "5,60",
    "RATE_LIMIT_FINANCIAL": "20,60",
}
TOPICS = [{"Ref": "NotificationsWarningDF69F716"}, {"Ref": "NotificationsCritical45E4AD13"}]
# EC2 lets everything out of a group without a rule, so there is one that matches nothing.
NOTHING_OUT = {"CidrIp": "255.255.255.255/32", "FromPort": 252, "IpProtocol": "icmp", "ToPort": 86}

# sections, part, type, which of that type, what it has: None is for what it must not have.
LINES: list[tuple[str, str, str, dict[str, str], dict[str, Any]]] = [
    ("1 2.1", "data", GROUP, {}, {"AutomaticFailoverEnabled": True, "MultiAZEnabled": True}),
    ("2.1", "data", GROUP, {}, {"ReplicationGroupId": "vibewell-redis"}),
    ("2.1", "data", GROUP, {}, {"Engine": "redis", "EngineVersion": "6.2"}),
    ("2.1", "data", GROUP, {}, {"CacheNodeType": "cache.t3.medium", "NumCacheClusters": 3}),
    ("2.1 2.3", "data", GROUP, {}, {"AtRestEncryptionEnabled": True}),
    # AWS knows TransitEncryptionMode from 7.0.5 only.
    ("2.1 2.3", "data", GROUP, {}, {"TransitEncryptionEnabled": True}),
    ("2.1", "data", GROUP, {}, {"TransitEncryptionMode": None}),
    ("2.1 2.3", "data", GROUP, {}, {"KmsKeyId": {"Ref": "Key961B73FD"}}),
    ("2.1", "data", GROUP, {}, {"CacheParameterGroupName": {"Ref": "Parameters"}}),
    ("2.1 4.1", "data", GROUP, {}, {"SnapshotRetentionLimit": 7}),
    ("4.1", "data", GROUP, {}, {"SnapshotWindow": "02:00-03:00"}),
    ("2.1", "data", GROUP, {}, {"PreferredMaintenanceWindow": "sun:03:00-sun:05:00"}),
    ("2.1 2.3", "data", "KMS::Key", {}, {"EnableKeyRotation": True}),
    ("2.1", "data", PARAMETERS, {}, {"CacheParameterGroupFamily": "redis6.x"}),
    ("2.1", "data", PARAMETERS, {}, {"Description": "vibewell-redis-params"}),
    *(
        ("2.2", "data", PARAMETERS, {}, {"Properties": {name: value}})
        for name, value in (
            ("maxmemory-policy", "allkeys-lru"),
            ("timeout", "300"),
            ("tcp-keepalive", "60"),
            ("notify-keyspace-events", "AKE"),
        )
    ),
    # Its VPC is the one that the committed look-up has under the plan's name.
    ("2.1", "data", ACCESS, {}, {"VpcId": "vpc-0e5a3c1b9d7f20468"}),
    ("2.1", "data", ACCESS, {}, {"GroupName": "vibewell-redis-sg"}),
    ("2.1 2.3", "data", GROUP, {}, {"CacheSubnetGroupName": {"Ref": "AccessSubnetGroup19DADC9B"}}),
    ("2.1", "data", SUBNETS, {}, {"CacheSubnetGroupName": "vibewell-production-private-subnets"}),
    (
        *("2.1", "data", SUBNETS, {}),
        {"SubnetIds": [f"subnet-0a0a0000000000{end}" for end in ("00ab0", "11ab1", "22ab2")]},
    ),
    ("2.1 2.3 5.2", "data", INTO, {}, {"IpProtocol": "tcp", "FromPort": 6379, "ToPort": 6379}),
    ("2.1 2.3 5.2", "data", INTO, {}, {"SourceSecurityGroupId": "sg-0a1b2c3d4e5f60718"}),
    ("2.1 2.3 5.2", "data", INTO, {}, {"CidrIp": None, "CidrIpv6": None}),
    ("2.3 5.2", "data", ACCESS, {}, {"SecurityGroupIngress": None}),
    ("2.3 5.2", "data", ACCESS, {}, {"SecurityGroupEgress": [NOTHING_OUT]}),
    (
        *("2.3", "data", TOKEN, {}),
        {"GenerateSecretString": {"PasswordLength": 64, "ExcludePunctuation": True}},
    ),
    (
        *("2.3", "data", CACHE_USER, {}),
        {
            "Passwords": [
                {"Fn::Join": ["", ["{{resolve:secretsmanager:", SECRET, ":SecretString}}"]]}
            ]
        },
    ),
    ("2.3", "data", USERS, {}, {"UserIds": [{"Ref": "User"}]}),
    ("2.3", "data", GROUP, {}, {"UserGroupIds": [{"Ref": "UserGroup56121C8F"}]}),
    (
        *("2.3 7.3", "operations", SCHEDULE, {}),
        {"RotationRules": {"ScheduleExpression": "cron(0 10 15 1/3 ? *)", "Duration": "4h"}},
    ),
    # Never by a deployment.
    ("2.3 7.3", "operations", SCHEDULE, {}, {"RotateImmediatelyOnUpdate": False}),
    (
        *("2.3", "operations", INVOKE, {}),
        {
            "Principal": "secretsmanager.amazonaws.com",
            "SourceAccount": "111122223333",
            "SourceArn": {
                "Fn::ImportValue": f"{PREFIX}-data:ExportsOutputRefTokenSecretD0591E062BC2DA86"
            },
        },
    ),
    *(
        ("2.4 5.3 5.4", "data", PARAMETER, {"Name": f"{PATH}{name}"}, {"Value": value})
        for name, value in PUBLISHED.items()
    ),
    ("3.3", "monitoring", "Chatbot::SlackChannelConfiguration", {}, {"SnsTopicArns": TOPICS}),
    (
        *("3.3", "monitoring", "Chatbot::SlackChannelConfiguration", {}),
        {
            "SlackChannelId": "C0EXAMPLE0",
            "GuardrailPolicies": ["arn:aws:iam::aws:policy/CloudWatchReadOnlyAccess"],
        },
    ),
    # The address is the key to the service, so it is read at deployment.
    (
        *("3.3", "monitoring", SUBSCRIPTION, {"Protocol": "https"}),
        {
            "TopicArn": TOPICS[1],
            "Endpoint": "{{resolve:secretsmanager:example/pagerduty:SecretString:integration_url}}",
        },
    ),
    # An encrypted topic is silent (ElastiCache user guide, "SNS topic access policy requirement").
    ("3.3", "data", TOPIC, {}, {"KmsMasterKeyId": None}),
    ("3.3", "data", GROUP, {}, {"NotificationTopicArn": {"Ref": "EventsD32975C2"}}),
    (
        *("3.3", "data", "SNS::TopicPolicy", {}),
        {
            "PolicyDocument": {
                "Statement": [
                    {"Effect": "Deny"},
                    {
                        "Effect": "Allow",
                        "Principal": {"AWS": "*"},
                        "Condition": {"StringEquals": {"aws:SourceOwner": "111122223333"}},
                    },
                ]
            }
        },
    ),
    (
        *("3.3", "monitoring", SUBSCRIPTION, {"Protocol": "lambda"}),
        {
            "TopicArn": EVENTS,
            "Endpoint": REPORTER,
            "RedrivePolicy": {"deadLetterTargetArn": UNREAD},
        },
    ),
    ("3.3", "monitoring", INVOKE, {"Principal": "sns.amazonaws.com"}, {"SourceArn": EVENTS}),
    # In the order in which they came; where the channel alone reads; what fails is kept.
    (
        *("3.3", "monitoring", "Lambda::Function", {"FunctionName": f"{PREFIX}-events"}),
        {
            "ReservedConcurrentExecutions": 1,
            "Environment": {"Variables": {"CHANNEL_TOPIC_ARN": TOPICS[0]}},
            "DeadLetterConfig": {"TargetArn": UNREAD},
            "VpcConfig": None,
        },
    ),
    (
        *("5.3", "operations", "SSM::Association", {}),
        {
            "Targets": [{"Key": "tag:role", "Values": ["application"]}],
            "Parameters": {"Action": ["apply"]},
            "ScheduleExpression": "rate(12 hours)",
            "DocumentVersion": "$DEFAULT",
            "ApplyOnlyAtCronInterval": None,  # a new server is not kept waiting
        },
    ),
    # The schema replaces on Content unless the method says otherwise, and the name is taken.
    ("5.3", "operations", "SSM::Document", {}, {"Name": VALUES, "UpdateMethod": "NewVersion"}),
    (
        *("5.3", "monitoring", "Events::Rule", {}),
        {
            "EventPattern": {"detail": {"document-name": [VALUES]}},
            "Targets": [{"Arn": REPORTER, "DeadLetterConfig": {"Arn": UNREAD}}],
        },
    ),
]


def lacks(found: Any, expected: Any) -> bool:
    """Whether something expected is not there; more may be there in a table."""
    if isinstance(expected, dict):
        return not isinstance(found, dict) or any(
            lacks(found.get(key), value) for key, value in expected.items()
        )
    if isinstance(expected, list) and isinstance(found, list):
        return len(found) != len(expected) or any(map(lacks, found, expected))
    return bool(found != expected)


@pytest.mark.parametrize(
    ("part", "kind", "which", "expected"),
    [pytest.param(*line, marks=pytest.mark.plan(*sections.split())) for sections, *line in LINES],
)
def test_what_the_plan_says_is_in_the_template(
    templates: Stacks, part: str, kind: str, which: dict[str, str], expected: dict[str, Any]
) -> None:
    found = templates[f"{PREFIX}-{part}"].only(f"AWS::{kind}", **which)
    assert not lacks(found, expected), {key: found.get(key) for key in expected}


@pytest.mark.plan("2.3")
def test_the_rotation_is_scheduled_when_all_that_it_needs_is_there(templates: Stacks) -> None:
    # Secrets Manager runs testSecret while the stack is made.
    operations = templates[f"{PREFIX}-operations"]
    needed = operations.resources[operations.one(f"AWS::{SCHEDULE}")[0]]["DependsOn"]
    assert {operations.resources[one]["Type"].removeprefix("AWS::") for one in needed} >= {
        *("EC2::SecurityGroupEgress", INTO, "EC2::VPCEndpoint", "IAM::ManagedPolicy", INVOKE)
    }


@pytest.mark.plan("2.3")
@pytest.mark.parametrize("environment", environment_names())
def test_no_template_sends_a_token_to_a_group_nor_tags_to_a_user(
    templates: Stacks, environment: str
) -> None:
    """CloudFormation may send either again with any update, and has failed to update the tags."""
    data = templates[f"vibewell-redis-{environment}-data"]
    group = data.only(f"AWS::{GROUP}")
    assert "AuthToken" not in group
    assert "tags" not in data.artifact["properties"]
    for kind in ("AWS::ElastiCache::User", "AWS::ElastiCache::UserGroup"):
        assert "Tags" not in data.only(kind)
    assert {"Key": "environment", "Value": environment} in group["Tags"]


@pytest.mark.plan("2.4")
def test_the_read_policy_reads_these_settings_and_this_token_and_no_more(data: Stack) -> None:
    statements = data.only("AWS::IAM::ManagedPolicy")["PolicyDocument"]["Statement"]
    path = f"arn:aws:ssm:us-east-1:111122223333:parameter{PATH[:-1]}"
    assert [statement["Resource"] for statement in statements] == [
        [path, f"{path}/*"],
        {"Ref": data.one("AWS::SecretsManager::Secret")[0]},
        {"Fn::GetAtt": [data.one("AWS::KMS::Key")[0], "Arn"]},
    ]
    assert "*" not in json.dumps([statement["Action"] for statement in statements])


def test_the_key_lets_cloudwatch_logs_encrypt_the_log_groups_that_are_there_only(
    data: Stack, operations: Stack
) -> None:
    statements = data.only("AWS::KMS::Key")["KeyPolicy"]["Statement"]
    granted = {
        statement["Condition"]["ArnEquals"]["kms:EncryptionContext:aws:logs:arn"]
        for statement in statements
        if statement["Principal"].get("Service") == "logs.us-east-1.amazonaws.com"
    }
    groups = [
        one for stack in (data, operations) for one in stack.of_type("AWS::Logs::LogGroup").values()
    ]
    arn = "arn:aws:logs:us-east-1:111122223333:log-group:"
    assert granted == {f"{arn}{one['LogGroupName']}" for one in groups}
    delivered = {
        one["DestinationDetails"]["CloudWatchLogsDetails"]["LogGroup"]
        for one in data.only(f"AWS::{GROUP}")["LogDeliveryConfigurations"]
    }
    assert delivered == {f"{PATH}slow-log", f"{PATH}engine-log"}
