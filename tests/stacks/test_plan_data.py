"""The plan's lines that the data stack carries: one test a line, marked with its section."""

import json
from typing import Any

import pytest

from environments.load import environment_names
from tests.stacks.template import private_subnets
from tests.support import Stacks
from tools.assembly import Stack


@pytest.fixture(scope="module")
def group(data: Stack) -> dict[str, Any]:
    return data.only("AWS::ElastiCache::ReplicationGroup")


@pytest.fixture(scope="module")
def published(data: Stack) -> dict[str, Any]:
    """Each parameter by its name below the environment's path."""
    return {
        properties["Name"].removeprefix("/vibewell/production/redis/"): properties["Value"]
        for properties in data.of_type("AWS::SSM::Parameter").values()
    }


@pytest.mark.plan("1", "2.1")
def test_the_group_fails_over_by_itself_to_another_zone(group: dict[str, Any]) -> None:
    assert group["AutomaticFailoverEnabled"] is True
    assert group["MultiAZEnabled"] is True


@pytest.mark.plan("2.1")
def test_the_group_is_called_vibewell_redis(group: dict[str, Any]) -> None:
    assert group["ReplicationGroupId"] == "vibewell-redis"


@pytest.mark.plan("2.1")
def test_the_engine_is_redis_6_2(group: dict[str, Any], data: Stack) -> None:
    assert (group["Engine"], group["EngineVersion"]) == ("redis", "6.2")
    family = data.only("AWS::ElastiCache::ParameterGroup")["CacheParameterGroupFamily"]
    assert family == "redis6.x"
    assert "TransitEncryptionMode" not in group, "AWS knows it from 7.0.5 only"


@pytest.mark.plan("2.1")
def test_the_nodes_are_t3_medium(group: dict[str, Any]) -> None:
    assert group["CacheNodeType"] == "cache.t3.medium"


@pytest.mark.plan("2.1", "5.1")
def test_a_warning_says_that_the_node_has_less_than_4_gb(data: Stack) -> None:
    warnings = data.warnings
    assert any("3.09 GiB, 2.32 usable" in text and "cache.m6g.large" in text for text in warnings)


@pytest.mark.plan("2.1")
def test_a_warning_says_that_redis_6_costs_extra_from_2027_02_01(data: Stack) -> None:
    assert any("2027-01-31" in text and "80 %" in text for text in data.warnings)


@pytest.mark.plan("2.1")
def test_there_are_two_replicas_in_at_least_two_zones(group: dict[str, Any], data: Stack) -> None:
    assert group["NumCacheClusters"] == 3
    assert len(set(data.only("AWS::ElastiCache::SubnetGroup")["SubnetIds"])) >= 2


@pytest.mark.plan("2.1")
def test_the_vpc_is_the_one_found_by_its_name(data: Stack, context: dict[str, Any]) -> None:
    (vpc,) = (value for key, value in context.items() if "vibewell-production-vpc" in key)
    assert data.only("AWS::EC2::SecurityGroup")["VpcId"] == vpc["vpcId"]
    assert "AWS::EC2::VPC" not in {resource["Type"] for resource in data.resources.values()}


@pytest.mark.plan("2.1")
def test_the_subnet_group_has_its_name_and_private_subnets(
    data: Stack, group: dict[str, Any], context: dict[str, Any]
) -> None:
    subnet_group = data.only("AWS::ElastiCache::SubnetGroup")
    assert subnet_group["CacheSubnetGroupName"] == "vibewell-production-private-subnets"
    assert subnet_group["SubnetIds"] == [one["subnetId"] for one in private_subnets(context)]
    assert data.resources[group["CacheSubnetGroupName"]["Ref"]]["Properties"] == subnet_group


@pytest.mark.plan("2.1")
def test_the_parameter_group_carries_the_plans_name(data: Stack, group: dict[str, Any]) -> None:
    parameters = data.resources[group["CacheParameterGroupName"]["Ref"]]["Properties"]
    assert parameters["Description"] == "vibewell-redis-params"
    assert {"Key": "Name", "Value": "vibewell-redis-params"} in parameters["Tags"]


@pytest.mark.plan("2.1", "2.3")
def test_data_is_encrypted_at_rest_with_our_own_key_and_in_transit(
    data: Stack, group: dict[str, Any]
) -> None:
    assert group["AtRestEncryptionEnabled"] is True
    assert group["TransitEncryptionEnabled"] is True
    key = data.resources[group["KmsKeyId"]["Ref"]]
    assert key["Type"] == "AWS::KMS::Key"
    assert key["Properties"]["EnableKeyRotation"] is True


@pytest.mark.plan("2.1", "4.1")
def test_backups_are_kept_7_days_and_maintenance_is_on_sunday(group: dict[str, Any]) -> None:
    assert group["SnapshotRetentionLimit"] == 7
    assert group["PreferredMaintenanceWindow"] == "sun:03:00-sun:05:00"


@pytest.mark.plan("4.1")
def test_the_daily_backup_starts_at_02_00_utc(group: dict[str, Any]) -> None:
    assert group["SnapshotWindow"] == "02:00-03:00"


@pytest.mark.plan("2.2")
def test_the_parameters_are_the_plans(data: Stack) -> None:
    assert data.only("AWS::ElastiCache::ParameterGroup")["Properties"] == {
        "maxmemory-policy": "allkeys-lru",
        "timeout": "300",
        "tcp-keepalive": "60",
        "notify-keyspace-events": "AKE",
    }


@pytest.mark.plan("2.1", "2.3", "5.2")
def test_only_the_application_reaches_port_6379(data: Stack, context: dict[str, Any]) -> None:
    (application,) = (value for key, value in context.items() if "production-app-sg" in key)
    security_group = data.only("AWS::EC2::SecurityGroup")
    assert security_group["GroupName"] == "vibewell-redis-sg"
    assert "SecurityGroupIngress" not in security_group
    (ingress,) = data.of_type("AWS::EC2::SecurityGroupIngress").values()
    assert (ingress["IpProtocol"], ingress["FromPort"], ingress["ToPort"]) == ("tcp", 6379, 6379)
    assert ingress["SourceSecurityGroupId"] == application["securityGroupId"]
    assert not {key for key in ingress if key.startswith("Cidr")}


@pytest.mark.plan("2.3", "5.2")
def test_redis_opens_no_connection_to_anywhere(data: Stack) -> None:
    # EC2 lets everything out of a group without a rule, so CDK writes one that matches nothing.
    (egress,) = data.only("AWS::EC2::SecurityGroup")["SecurityGroupEgress"]
    assert (egress["CidrIp"], egress["IpProtocol"]) == ("255.255.255.255/32", "icmp")
    assert not data.of_type("AWS::EC2::SecurityGroupEgress")


@pytest.mark.plan("2.3")
def test_the_token_is_64_letters_and_digits_that_nobody_typed(
    data: Stack, group: dict[str, Any]
) -> None:
    secret_id, secret = data.one("AWS::SecretsManager::Secret")
    assert secret["GenerateSecretString"] == {
        "PasswordLength": 64,
        "ExcludePunctuation": True,
        "IncludeSpace": False,
    }
    user_id, user = data.one("AWS::ElastiCache::User")
    reference = ["{{resolve:secretsmanager:", {"Ref": secret_id}, ":SecretString}}"]
    assert user["Passwords"] == [{"Fn::Join": ["", reference]}]
    assert (user["UserId"], user["UserName"]) == ("vibewell-redis-default", "default")
    users_id, users = data.one("AWS::ElastiCache::UserGroup")
    assert (users["UserGroupId"], users["UserIds"]) == ("vibewell-redis-users", [{"Ref": user_id}])
    assert group["UserGroupIds"] == [{"Ref": users_id}]


@pytest.mark.plan("2.3")
@pytest.mark.parametrize("environment", environment_names())
def test_no_template_sends_a_token_to_a_group(templates: Stacks, environment: str) -> None:
    """CloudFormation may send it again with any update of the group, and push another one out."""
    data = templates[f"vibewell-redis-{environment}-data"]
    assert "AuthToken" not in data.only("AWS::ElastiCache::ReplicationGroup")


@pytest.mark.parametrize("environment", environment_names())
def test_tags_never_reach_the_user_and_its_group(templates: Stacks, environment: str) -> None:
    """An update of their tags has failed, so nothing gives them any, the stack neither."""
    data = templates[f"vibewell-redis-{environment}-data"]
    assert "tags" not in data.artifact["properties"]
    for kind in ("AWS::ElastiCache::User", "AWS::ElastiCache::UserGroup"):
        assert "Tags" not in data.only(kind)
    tags = data.only("AWS::ElastiCache::ReplicationGroup")["Tags"]
    assert {"Key": "environment", "Value": environment} in tags


@pytest.mark.plan("2.4")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REDIS_ENABLED", "true"),
        ("REDIS_TLS", "true"),
        ("REDIS_TIMEOUT", "5000"),
        ("REDIS_MAX_RECONNECT_ATTEMPTS", "10"),
        ("RATE_LIMIT_GENERAL", "120,60"),
        ("RATE_LIMIT_AUTH", "30,60"),
        ("RATE_LIMIT_SENSITIVE", "10,60"),
        ("RATE_LIMIT_ADMIN", "300,60"),
        ("RATE_LIMIT_MFA", "5,60"),
        ("RATE_LIMIT_FINANCIAL", "20,60"),
    ],
)
def test_the_application_finds_its_setting(
    published: dict[str, Any], name: str, value: str
) -> None:
    assert published[name] == value


@pytest.mark.plan("2.4")
def test_the_address_is_what_the_group_returns(data: Stack, published: dict[str, Any]) -> None:
    (group_id,) = data.of_type("AWS::ElastiCache::ReplicationGroup")
    # Readers get the address that spreads over the replicas.
    for name, address in (("REDIS_URL", "Primary"), ("REDIS_READER_URL", "Reader")):
        host = {"Fn::GetAtt": [group_id, f"{address}EndPoint.Address"]}
        assert published[name] == {"Fn::Join": ["", ["rediss://", host, ":6379"]]}


@pytest.mark.plan("2.4")
def test_the_password_is_published_as_the_arn_of_its_secret(
    data: Stack, published: dict[str, Any]
) -> None:
    (secret_id,) = data.of_type("AWS::SecretsManager::Secret")
    assert published["REDIS_PASSWORD_SECRET_ARN"] == {"Ref": secret_id}
    assert "REDIS_PASSWORD" not in published


@pytest.mark.plan("2.4")
def test_the_read_policy_reads_these_settings_and_this_token_and_no_more(data: Stack) -> None:
    statements = data.only("AWS::IAM::ManagedPolicy")["PolicyDocument"]["Statement"]
    (secret_id,) = data.of_type("AWS::SecretsManager::Secret")
    (key_id,) = data.of_type("AWS::KMS::Key")
    path = "arn:aws:ssm:us-east-1:111122223333:parameter/vibewell/production/redis"
    assert [statement["Resource"] for statement in statements] == [
        [path, f"{path}/*"],
        {"Ref": secret_id},
        {"Fn::GetAtt": [key_id, "Arn"]},
    ]
    assert "*" not in json.dumps([statement["Action"] for statement in statements])


@pytest.mark.plan("5.3", "5.4")
def test_the_connection_budget_is_published(published: dict[str, Any]) -> None:
    assert published["REDIS_POOL_SIZE"] == "20"
    assert published["REDIS_POOL_IDLE_SECONDS"] == "60"
    assert int(published["REDIS_INSTANCES"]) * 20 < 5000


def test_the_slow_log_and_the_engine_log_go_to_two_encrypted_groups(
    data: Stack, group: dict[str, Any]
) -> None:
    (key_id,) = data.of_type("AWS::KMS::Key")
    groups = data.of_type("AWS::Logs::LogGroup").values()
    deliveries = {
        delivery["LogType"]: delivery["DestinationDetails"]["CloudWatchLogsDetails"]["LogGroup"]
        for delivery in group["LogDeliveryConfigurations"]
    }
    assert set(deliveries) == {"slow-log", "engine-log"}
    assert set(deliveries.values()) == {one["LogGroupName"] for one in groups}
    for properties in groups:
        assert properties["KmsKeyId"] == {"Fn::GetAtt": [key_id, "Arn"]}
        assert properties["RetentionInDays"] == 90


def test_only_log_delivery_of_this_account_writes_the_logs(data: Stack) -> None:
    policy = json.loads(data.only("AWS::Logs::ResourcePolicy")["PolicyDocument"])
    (statement,) = policy["Statement"]
    assert statement["Principal"] == {"Service": "delivery.logs.amazonaws.com"}
    assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": "111122223333"}
    assert len(statement["Resource"]) == 2


def test_the_key_lets_cloudwatch_logs_encrypt_our_log_groups_only(data: Stack) -> None:
    statements = data.only("AWS::KMS::Key")["KeyPolicy"]["Statement"]
    granted = {
        statement["Condition"]["ArnEquals"]["kms:EncryptionContext:aws:logs:arn"]
        for statement in statements
        if statement["Principal"].get("Service") == "logs.us-east-1.amazonaws.com"
    }
    arn = "arn:aws:logs:us-east-1:111122223333:log-group:"
    own = ("health", "health-login", "rotation", "recovery", "recovery-keeper", "recovery-verifier")
    assert granted == {
        *(f"{arn}/vibewell/production/redis/{log}" for log in ("slow-log", "engine-log")),
        *(f"{arn}/aws/lambda/vibewell-redis-production-{name}" for name in own),
    }
