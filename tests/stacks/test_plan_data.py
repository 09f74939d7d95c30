"""The plan's lines that the data stack carries, each with its section."""

import json
from typing import Any

import pytest

from environments.load import environment_names
from tests.stacks.template import has, private_subnets
from tests.support import Stacks
from tools.assembly import Stack

GROUP = "AWS::ElastiCache::ReplicationGroup"
PARAMETERS = "AWS::ElastiCache::ParameterGroup"
SUBNETS = "AWS::ElastiCache::SubnetGroup"
PATH = "/vibewell/production/redis/"


@pytest.fixture(scope="module")
def group(data: Stack) -> dict[str, Any]:
    return data.only(GROUP)


@pytest.fixture(scope="module")
def published(data: Stack) -> dict[str, Any]:
    """Each parameter by its name below the environment's path."""
    found = data.of_type("AWS::SSM::Parameter").values()
    return {one["Name"].removeprefix(PATH): one["Value"] for one in found}


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        pytest.param(kind, expected, marks=pytest.mark.plan(*sections.split()), id=line)
        for sections, line, kind, expected in (
            ("1 2.1", "fails-over", GROUP, {"AutomaticFailoverEnabled": True}),
            ("1 2.1", "to-another-zone", GROUP, {"MultiAZEnabled": True}),
            ("2.1", "name", GROUP, {"ReplicationGroupId": "vibewell-redis"}),
            ("2.1", "engine", GROUP, {"Engine": "redis", "EngineVersion": "6.2"}),
            ("2.1", "family", PARAMETERS, {"CacheParameterGroupFamily": "redis6.x"}),
            ("2.1", "node-type", GROUP, {"CacheNodeType": "cache.t3.medium"}),
            ("2.1", "two-replicas", GROUP, {"NumCacheClusters": 3}),
            ("2.1", "parameter-group", PARAMETERS, {"Description": "vibewell-redis-params"}),
            ("2.1 2.3", "at-rest", GROUP, {"AtRestEncryptionEnabled": True}),
            ("2.1 2.3", "in-transit", GROUP, {"TransitEncryptionEnabled": True}),
            ("2.1 2.3", "key-rotates", "AWS::KMS::Key", {"EnableKeyRotation": True}),
            ("2.1 4.1", "backups-kept", GROUP, {"SnapshotRetentionLimit": 7}),
            ("2.1", "maintenance", GROUP, {"PreferredMaintenanceWindow": "sun:03:00-sun:05:00"}),
            ("4.1", "daily-backup", GROUP, {"SnapshotWindow": "02:00-03:00"}),
        )
    ],
)
def test_the_data_stack_has_what_the_plan_says(
    data: Stack, kind: str, expected: dict[str, Any]
) -> None:
    has(data.only(kind), expected)


@pytest.mark.plan("2.1")
def test_the_group_of_redis_6_2_has_no_transit_mode(group: dict[str, Any]) -> None:
    assert "TransitEncryptionMode" not in group, "AWS knows it from 7.0.5 only"


@pytest.mark.plan("2.1", "5.1")
@pytest.mark.parametrize(
    "words", [("3.09 GiB, 2.32 usable", "cache.m6g.large"), ("2027-01-31", "80 %")]
)
def test_a_warning_names_the_small_node_and_the_price_of_redis_6(
    data: Stack, words: tuple[str, str]
) -> None:
    assert any(all(word in text for word in words) for text in data.warnings)


@pytest.mark.plan("2.1")
def test_the_group_is_in_private_subnets_of_the_vpc_that_is_found_by_its_name(
    data: Stack, group: dict[str, Any], context: dict[str, Any]
) -> None:
    (vpc,) = (value for key, value in context.items() if "vibewell-production-vpc" in key)
    assert data.only("AWS::EC2::SecurityGroup")["VpcId"] == vpc["vpcId"]
    assert not data.of_type("AWS::EC2::VPC")
    name, subnets = data.one(SUBNETS)
    assert subnets["CacheSubnetGroupName"] == "vibewell-production-private-subnets"
    assert subnets["SubnetIds"] == [one["subnetId"] for one in private_subnets(context)]
    assert len({one["availabilityZone"] for one in private_subnets(context)}) >= 2
    assert group["CacheSubnetGroupName"] == {"Ref": name}


@pytest.mark.plan("2.1", "2.3")
def test_the_group_uses_our_own_parameters_and_key(data: Stack, group: dict[str, Any]) -> None:
    assert group["KmsKeyId"] == {"Ref": data.one("AWS::KMS::Key")[0]}
    assert group["CacheParameterGroupName"] == {"Ref": data.one(PARAMETERS)[0]}


@pytest.mark.plan("2.2")
def test_the_parameters_are_the_plans(data: Stack) -> None:
    assert data.only(PARAMETERS)["Properties"] == {
        "maxmemory-policy": "allkeys-lru",
        "timeout": "300",
        "tcp-keepalive": "60",
        "notify-keyspace-events": "AKE",
    }


@pytest.mark.plan("2.1", "2.3", "5.2")
def test_only_the_application_reaches_port_6379_and_redis_reaches_nothing(
    data: Stack, context: dict[str, Any]
) -> None:
    (application,) = (value for key, value in context.items() if "production-app-sg" in key)
    security_group = data.only("AWS::EC2::SecurityGroup")
    assert security_group["GroupName"] == "vibewell-redis-sg"
    assert "SecurityGroupIngress" not in security_group
    (ingress,) = data.of_type("AWS::EC2::SecurityGroupIngress").values()
    assert (ingress["IpProtocol"], ingress["FromPort"], ingress["ToPort"]) == ("tcp", 6379, 6379)
    assert ingress["SourceSecurityGroupId"] == application["securityGroupId"]
    assert not {key for key in ingress if key.startswith("Cidr")}
    # EC2 lets everything out of a group without a rule, so CDK writes one that matches nothing.
    (egress,) = security_group["SecurityGroupEgress"]
    assert (egress["CidrIp"], egress["IpProtocol"]) == ("255.255.255.255/32", "icmp")
    assert not data.of_type("AWS::EC2::SecurityGroupEgress")


@pytest.mark.plan("2.3")
def test_the_token_is_64_letters_and_digits_that_nobody_typed(
    data: Stack, group: dict[str, Any]
) -> None:
    secret_id, secret = data.one("AWS::SecretsManager::Secret")
    has(secret["GenerateSecretString"], {"PasswordLength": 64, "ExcludePunctuation": True})
    user_id, user = data.one("AWS::ElastiCache::User")
    reference = ["{{resolve:secretsmanager:", {"Ref": secret_id}, ":SecretString}}"]
    assert user["Passwords"] == [{"Fn::Join": ["", reference]}]
    users_id, users = data.one("AWS::ElastiCache::UserGroup")
    assert users["UserIds"] == [{"Ref": user_id}]
    assert group["UserGroupIds"] == [{"Ref": users_id}]


@pytest.mark.plan("2.3")
@pytest.mark.parametrize("environment", environment_names())
def test_no_template_sends_a_token_to_a_group_nor_tags_to_a_user(
    templates: Stacks, environment: str
) -> None:
    """CloudFormation may send either again with any update, and has failed to update the tags."""
    data = templates[f"vibewell-redis-{environment}-data"]
    assert "AuthToken" not in data.only(GROUP)
    assert "tags" not in data.artifact["properties"]
    for kind in ("AWS::ElastiCache::User", "AWS::ElastiCache::UserGroup"):
        assert "Tags" not in data.only(kind)
    assert {"Key": "environment", "Value": environment} in data.only(GROUP)["Tags"]


@pytest.mark.plan("2.4", "5.3", "5.4")
def test_the_application_finds_its_settings(published: dict[str, Any]) -> None:
    has(
        published,
        {
            "REDIS_ENABLED": "true",
            "REDIS_TLS": "true",
            "REDIS_TIMEOUT": "5000",
            "REDIS_MAX_RECONNECT_ATTEMPTS": "10",
            "REDIS_POOL_SIZE": "20",
            "REDIS_POOL_IDLE_SECONDS": "60",
            "RATE_LIMIT_GENERAL": "120,60",
            "RATE_LIMIT_AUTH": "30,60",
            "RATE_LIMIT_SENSITIVE": "10,60",
            "RATE_LIMIT_ADMIN": "300,60",
            "RATE_LIMIT_MFA": "5,60",
            "RATE_LIMIT_FINANCIAL": "20,60",
        },
    )
    assert int(published["REDIS_INSTANCES"]) * 20 < 5000


@pytest.mark.plan("2.4")
def test_the_addresses_are_the_groups_and_the_password_is_the_arn_of_its_secret(
    data: Stack, published: dict[str, Any]
) -> None:
    # Readers get the address that spreads over the replicas.
    for name, address in (("REDIS_URL", "Primary"), ("REDIS_READER_URL", "Reader")):
        host = {"Fn::GetAtt": [data.one(GROUP)[0], f"{address}EndPoint.Address"]}
        assert published[name] == {"Fn::Join": ["", ["rediss://", host, ":6379"]]}
    secret_id, _ = data.one("AWS::SecretsManager::Secret")
    assert published["REDIS_PASSWORD_SECRET_ARN"] == {"Ref": secret_id}
    assert "REDIS_PASSWORD" not in published


@pytest.mark.plan("2.4")
def test_people_and_the_applications_templates_find_what_they_need_by_name(
    data: Stack, monitoring: Stack, published: dict[str, Any]
) -> None:
    told = {name: one["Value"] for name, one in data.body["Outputs"].items() if "Export" not in one}
    assert told["ParameterPath"] == PATH.removesuffix("/")
    assert told["TokenSecret"] == published["REDIS_PASSWORD_SECRET_ARN"]
    policy, _ = data.one("AWS::IAM::ManagedPolicy")
    assert told["ReadPolicy"] == published["READ_POLICY_ARN"] == {"Ref": policy}
    assert told["EventsTopic"] == {"Ref": data.one("AWS::SNS::Topic")[0]}
    topics = [{"Ref": name} for name in monitoring.of_type("AWS::SNS::Topic")]
    told = {name: one["Value"] for name, one in monitoring.body["Outputs"].items()}
    assert [told["WarningTopic"], told["CriticalTopic"]] == topics
    name = monitoring.only("AWS::CloudWatch::Dashboard")["DashboardName"]
    assert told["DashboardAddress"].endswith(f"#dashboards/dashboard/{name}")


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
        for one in data.only(GROUP)["LogDeliveryConfigurations"]
    }
    assert delivered == {f"{PATH}slow-log", f"{PATH}engine-log"}
