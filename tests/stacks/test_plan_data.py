"""The plan's lines that the data stack carries, each with its section."""

import json
from typing import Any

import pytest

from environments.load import environment_names
from tests.support import Stacks
from tools.assembly import Stack

GROUP = "AWS::ElastiCache::ReplicationGroup"
PATH = "/vibewell/production/redis/"


@pytest.fixture(scope="module")
def published(data: Stack) -> dict[str, Any]:
    """Each parameter by its name below the environment's path."""
    found = data.of_type("AWS::SSM::Parameter").values()
    return {one["Name"].removeprefix(PATH): one["Value"] for one in found}


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
    expected = {
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
    }
    assert {name: published.get(name) for name in expected} == expected
    assert int(published["REDIS_INSTANCES"]) * 20 < 5000


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
