"""A deployment that changes the user waits until one password is left; any other may go."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from moto import mock_aws

from environments.schema import Settings
from shared.secret import Secret
from shared.versions import CURRENT, PENDING
from tests.lambda_rotation.model.fake_aws import ServiceError, fake_service
from tools.assembly import Stack
from tools.command import Answer
from tools.deploy_guard import (
    GROUP,
    LOGIN,
    DeploymentMustWait,
    changed,
    check,
    check_deployment,
    check_losses,
)

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
REGION = "us-east-1"
REST = {"Status": "active", "Authentication": {"Type": "password", "PasswordCount": 1}}

pytestmark = pytest.mark.plan("2.3")


class Account:
    """One secret, one user and one replication group, as the guard sees them."""

    def __init__(self, settings: Settings) -> None:
        self.secrets = boto3.client("secretsmanager", region_name=REGION)
        self.group: dict[str, Any] = {"Status": "available"}
        self.user: dict[str, Any] = dict(REST)
        self.user_group = {"Status": "active"}
        made = self.secrets.create_secret(Name="token", SecretString="x" * 64)
        self.arn, self.version = made["ARN"], made["VersionId"]
        boto3.client("ssm", region_name=REGION).put_parameter(
            Name=f"{settings.parameter_path}/REDIS_PASSWORD_SECRET_ARN",
            Value=self.arn,
            Type="String",
        )

    def client(self, service: str) -> Any:
        if service != "elasticache":
            return boto3.client(service, region_name=REGION)
        fake = fake_service(service)
        fake.answer = self.answer
        return fake.client

    def answer(self, operation: str, asked: dict[str, Any]) -> dict[str, Any]:
        ids = {"UserId": "vibewell-redis-default", "UserGroupId": "vibewell-redis-users"}
        ids["ReplicationGroupId"] = "vibewell-redis"
        assert asked.items() <= ids.items()
        if operation == "describe_replication_groups" and not self.group:
            raise ServiceError("ReplicationGroupNotFoundFault")
        return {
            "describe_users": {"Users": [self.user]},
            "describe_user_groups": {"UserGroups": [self.user_group]},
            "describe_replication_groups": {"ReplicationGroups": [self.group]},
        }[operation]

    def put(self, *labels: str) -> str:
        version: str = self.secrets.put_secret_value(
            SecretId=self.arn, SecretString="y" * 64, VersionStages=list(labels)
        )["VersionId"]
        return version

    def moved(self, hours: float) -> None:
        """AWSCURRENT moved so long ago, and the schedule wrote it down."""
        secret = Secret(self.secrets, self.arn)
        secret.tag(secret.versions().since(NOW - timedelta(hours=hours)))


@pytest.fixture
def account(production: Settings) -> Iterator[Account]:
    with mock_aws():
        yield Account(production)


def test_at_rest_everything_may_be_changed(account: Account, production: Settings) -> None:
    check(production, account.client, NOW)
    account.put(CURRENT)
    account.moved(hours=24)
    check(production, account.client, NOW)


def test_before_the_first_deployment_there_is_nothing_to_wait_for(
    account: Account, production: Settings
) -> None:
    boto3.client("ssm", region_name=REGION).delete_parameter(
        Name=f"{production.parameter_path}/REDIS_PASSWORD_SECRET_ARN"
    )
    check(production, account.client, NOW)


def test_the_user_is_not_changed_during_a_rotation(account: Account, production: Settings) -> None:
    account.put(PENDING)
    with pytest.raises(DeploymentMustWait, match=r"is being rotated.*Try again in 25 min"):
        check(production, account.client, NOW)


@pytest.mark.parametrize(("known", "wait"), [(True, "4 h 30 min"), (False, "24 h 30 min")])
def test_the_user_is_not_changed_before_the_old_token_is_retired(
    account: Account, production: Settings, known: bool, wait: str
) -> None:
    account.put(CURRENT)
    if known:
        account.moved(hours=20)
    # What is left of the 24 hours, then 20 min for the change and two runs of the schedule.
    with pytest.raises(DeploymentMustWait, match=rf"not retired yet.*Try again in {wait}"):
        check(production, account.client, NOW)


@pytest.mark.parametrize("what", ["group", "user", "user_group"])
def test_what_is_being_changed_is_not_changed_again(
    account: Account, production: Settings, what: str
) -> None:
    getattr(account, what)["Status"] = "modifying"
    with pytest.raises(DeploymentMustWait, match=r"is modifying.*takes no second change"):
        check(production, account.client, NOW)


def test_a_user_with_a_second_password_is_not_changed(
    account: Account, production: Settings
) -> None:
    account.user = REST | {"Authentication": {"Type": "password", "PasswordCount": 2}}
    with pytest.raises(DeploymentMustWait, match=r"has 2 passwords.*Try again in 25 min"):
        check(production, account.client, NOW)


def test_a_group_that_is_gone_is_brought_back_before_anything_is_deployed(
    account: Account, production: Settings
) -> None:
    account.group = {}
    with pytest.raises(Answer, match=r"no group vibewell-redis.*make restore ENV=production"):
        check_deployment(production, account.client, NOW, {GROUP})


@pytest.mark.parametrize("kind", LOGIN)
def test_only_a_change_of_the_user_waits_for_the_rotation(
    account: Account, production: Settings, kind: str
) -> None:
    account.put(PENDING)
    account.user = REST | {"Status": "modifying"}
    check_deployment(production, account.client, NOW, {GROUP, "AWS::KMS::Key"})
    account.group = {"Status": "modifying"}
    check_deployment(production, account.client, NOW, {"AWS::KMS::Key"})
    with pytest.raises(DeploymentMustWait, match="is modifying"):
        check_deployment(production, account.client, NOW, {GROUP})
    with pytest.raises(DeploymentMustWait, match="is being rotated"):
        check_deployment(production, account.client, NOW, {kind})


def test_what_holds_data_does_not_leave_a_template_unseen(data: Stack) -> None:
    check_losses(data.resources, data.resources)
    kept = {name: one for name, one in data.resources.items() if one["Type"] != GROUP}
    with pytest.raises(Answer, match=r"ReplicationGroup\) would be deleted"):
        check_losses(data.resources, kept)
    retained = {
        name: one | ({"DeletionPolicy": "Retain"} if one["Type"] == GROUP else {})
        for name, one in data.resources.items()
    }
    check_losses(retained, kept)


def test_what_a_deployment_changes_is_told_from_the_templates(data: Stack) -> None:
    before = data.resources
    assert changed(before, before) == set()
    group = next(name for name, one in before.items() if one["Type"] == GROUP)
    other = {"Type": GROUP, "Properties": {"Port": 1}, "Metadata": {"anything": "else"}}
    assert changed(before, before | {group: other}) == {GROUP}
    user = {"Type": LOGIN[0], "Properties": {"AccessString": "off"}}
    assert changed(before, before | {"More": user}) == {LOGIN[0]}
    assert changed(before | {"More": user}, before) == {LOGIN[0]}
    renamed = {name: one | {"Metadata": {"path": "other"}} for name, one in before.items()}
    assert changed(before, renamed) == set()
