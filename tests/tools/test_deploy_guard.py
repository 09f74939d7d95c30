"""A deployment waits while two tokens are accepted: the rule, and what the user reads."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from environments.schema import Settings
from shared.versions import CURRENT, PENDING, ROTATING, since
from tools.command import Answer
from tools.deploy_guard import DeploymentMustWait, check

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
REGION = "us-east-1"


class Account:
    """One secret and one replication group, as the guard sees them."""

    def __init__(self, settings: Settings) -> None:
        self.secrets = boto3.client("secretsmanager", region_name=REGION)
        self.group: dict[str, Any] = {"Status": "available", "PendingModifiedValues": {}}
        made = self.secrets.create_secret(Name="token", SecretString="x" * 64)
        self.arn, self.version = made["ARN"], made["VersionId"]
        boto3.client("ssm", region_name=REGION).put_parameter(
            Name=f"{settings.parameter_path}/REDIS_PASSWORD_SECRET_ARN",
            Value=self.arn,
            Type="String",
        )

    def client(self, service: str) -> Any:
        client = boto3.client(service, region_name=REGION)
        if service == "elasticache":
            answer = {"ReplicationGroups": [{"ReplicationGroupId": "vibewell-redis", **self.group}]}
            stub = Stubber(client)
            if self.group:
                stub.add_response("describe_replication_groups", answer)
            else:
                stub.add_client_error(
                    "describe_replication_groups", "ReplicationGroupNotFoundFault"
                )
            stub.activate()
        return client

    def put(self, *labels: str) -> str:
        version: str = self.secrets.put_secret_value(
            SecretId=self.arn, SecretString="y" * 64, VersionStages=list(labels)
        )["VersionId"]
        return version

    def tag(self, tags: dict[str, str]) -> None:
        pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
        self.secrets.tag_resource(SecretId=self.arn, Tags=pairs)


@pytest.fixture
def account(production: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        yield Account(production)


def test_a_group_at_rest_may_be_deployed(account: Account, production: Settings) -> None:
    check(production, account.client, NOW)


def test_before_the_first_deployment_there_is_nothing_to_wait_for(
    account: Account, production: Settings
) -> None:
    boto3.client("ssm", region_name=REGION).delete_parameter(
        Name=f"{production.parameter_path}/REDIS_PASSWORD_SECRET_ARN"
    )
    check(production, account.client, NOW)


@pytest.mark.parametrize("labels", [(PENDING,), (ROTATING,), (PENDING, ROTATING)])
def test_a_deployment_during_a_rotation_is_refused(
    account: Account, production: Settings, labels: tuple[str, ...]
) -> None:
    account.put(*labels)
    with pytest.raises(DeploymentMustWait, match=r"is being rotated.*Try again in 25 min"):
        check(production, account.client, NOW)


def test_a_deployment_before_the_old_token_is_retired_is_refused_with_the_time_left(
    account: Account, production: Settings
) -> None:
    version = account.put(CURRENT, ROTATING)
    account.tag(since(version, NOW - timedelta(hours=20)))
    # 4 h are left of the 24, then 20 min for the change and two runs of the schedule.
    with pytest.raises(DeploymentMustWait, match=r"not retired yet.*Try again in 4 h 30 min"):
        check(production, account.client, NOW)


@pytest.mark.parametrize(
    "group",
    [
        {"Status": "modifying"},
        {"Status": "available", "PendingModifiedValues": {"AuthTokenStatus": "ROTATING"}},
    ],
)
def test_a_group_that_changes_is_not_changed_again(
    account: Account, production: Settings, group: dict[str, Any]
) -> None:
    account.group = group
    with pytest.raises(DeploymentMustWait, match="takes no second change"):
        check(production, account.client, NOW)


def test_a_group_that_is_gone_is_brought_back_before_anything_is_deployed(
    account: Account, production: Settings
) -> None:
    account.group = {}
    with pytest.raises(Answer, match=r"no group vibewell-redis.*make restore ENV=production"):
        check(production, account.client, NOW)
