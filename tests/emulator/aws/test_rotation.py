"""Secrets Manager rotates through the function, and keeps what failed."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rehearsal.common.rehearsal import Clients
from tests.emulator.aws.conftest import Look, Make, Stacks, eventually, resource

Steps = Callable[[], list[dict[str, Any]]]
SERVICE = "secretsmanager.amazonaws.com"

ROTATES = """
    import boto3

    def handle(event, context):
        described = boto3.client("secretsmanager").describe_secret(SecretId=event["SecretId"])
        stages = described["VersionIdsToStages"][event["ClientRequestToken"]]
        assert stages == ["AWSPENDING"], stages
"""
FAILS_TO_SET = """
    import boto3

    def handle(event, context):
        if event["Step"] == "createSecret":
            boto3.client("secretsmanager").put_secret_value(
                SecretId=event["SecretId"], ClientRequestToken=event["ClientRequestToken"],
                SecretString="new", VersionStages=["AWSPENDING"])
        if event["Step"] == "setSecret":
            raise RuntimeError("the group is not available")
"""


@pytest.fixture
def secret(aws: Clients) -> str:
    return str(
        aws("secretsmanager").create_secret(Name=f"test-{uuid.uuid4()}", SecretString="old")["Name"]
    )


@pytest.fixture
def steps(secret: str, look: Look) -> Steps:
    return lambda: [step for step in look("rotations") if step["secret"] == secret]


def test_a_version_that_failed_is_retried_stays_pending_and_lets_no_other_rotation_begin(
    aws: Clients, secret: str, function: Make, steps: Steps
) -> None:
    manager = aws("secretsmanager")
    begun = manager.rotate_secret(
        SecretId=secret, RotationLambdaARN=function(FAILS_TO_SET, allowed_to=SERVICE)
    )
    eventually(lambda: len(steps()) == 6, "three attempts of two steps")
    assert [step["attempt"] for step in steps() if step["step"] == "setSecret"] == [1, 2, 3]
    stages = manager.describe_secret(SecretId=secret)["VersionIdsToStages"]
    assert stages[begun["VersionId"]] == ["AWSPENDING"]
    with pytest.raises(ClientError, match="previous rotation isn't complete"):
        manager.rotate_secret(SecretId=secret)
    assert manager.get_secret_value(SecretId=secret)["SecretString"] == "old"


def test_a_function_that_does_not_admit_the_service_is_refused(
    aws: Clients, secret: str, function: Make
) -> None:
    with pytest.raises(ClientError, match="cannot invoke the specified Lambda function"):
        aws("secretsmanager").rotate_secret(SecretId=secret, RotationLambdaARN=function(ROTATES))


def test_a_schedule_that_does_not_rotate_at_once_runs_test_secret_on_a_version_that_goes_away(
    stacks: Stacks, secret: str, function: Make, steps: Steps
) -> None:
    schedule = resource(
        "SecretsManager::RotationSchedule",
        SecretId=secret,
        RotationLambdaARN=function(ROTATES, allowed_to=SERVICE),
        RotateImmediatelyOnUpdate=False,
        RotationRules={"ScheduleExpression": "cron(0 8 1 */3 ? *)", "Duration": "3h"},
    )
    name = stacks.created({"Schedule": schedule})
    manager = stacks.aws("secretsmanager")
    (step,) = eventually(steps, "testSecret")
    assert (step["step"], step["error"]) == ("testSecret", None)
    eventually(
        lambda: len(manager.describe_secret(SecretId=secret)["VersionIdsToStages"]) == 1,
        "the version is gone",
    )
    assert manager.get_secret_value(SecretId=secret)["SecretString"] == "old"
    rules = manager.describe_secret(SecretId=secret)["RotationRules"]
    assert rules["ScheduleExpression"] == "cron(0 8 1 */3 ? *)"
    stacks.delete(name)
    assert manager.describe_secret(SecretId=secret)["RotationEnabled"] is False


def test_a_version_keeps_the_value_it_was_given_first(aws: Clients, secret: str) -> None:
    manager, token = aws("secretsmanager"), str(uuid.uuid4())
    put = {"SecretId": secret, "ClientRequestToken": token, "VersionStages": ["AWSPENDING"]}
    manager.put_secret_value(SecretString="first", **put)
    manager.put_secret_value(SecretString="first", **put)
    with pytest.raises(manager.exceptions.ResourceExistsException):
        manager.put_secret_value(SecretString="second", **put)


def test_a_label_is_on_one_version_only(aws: Clients, secret: str) -> None:
    manager = aws("secretsmanager")
    for value in ("one", "two"):
        manager.put_secret_value(SecretId=secret, SecretString=value, VersionStages=["OURS"])
    stages = manager.describe_secret(SecretId=secret)["VersionIdsToStages"]
    assert sum("OURS" in labels for labels in stages.values()) == 1
    assert manager.get_secret_value(SecretId=secret, VersionStage="OURS")["SecretString"] == "two"
