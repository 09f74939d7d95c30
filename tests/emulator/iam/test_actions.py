"""What each kind of call asks permission for."""

from typing import Any

import pytest

from aws_rules.iam import CannotBeJudged
from emulator.iam.actions import Call, needs
from emulator.iam.template import Deployment
from tests.emulator.iam.test_verdict import (
    ACCOUNT,
    DATA,
    REGION,
    SECRET,
    att,
    call,
    deployment,
    id_of,
    ref,
    resource,
    templates,
)

HERE = f"{REGION}:{ACCOUNT}"
KEY = f"arn:aws:kms:{HERE}:key/{id_of('Key')}"
TOKEN = id_of("TokenSecret")
TOPIC = f"arn:aws:sns:{HERE}:alerts"
ENCRYPTED = {
    "ServerSideEncryptionByDefault": {
        "SSEAlgorithm": "aws:kms",
        "KMSMasterKeyID": att(id_of("Key")),
    }
}
WRITES = [f"kms:GenerateDataKey on {KEY}", f"kms:Decrypt on {KEY}"]


def asked(recorded: Call) -> list[str]:
    with_keys = templates()
    with_keys[DATA]["Resources"] |= {
        "Alias": resource("KMS::Alias", AliasName="alias/redis", TargetKeyId=ref(id_of("Key"))),
        "Bucket": resource(
            "S3::Bucket",
            BucketName="reports",
            BucketEncryption={"ServerSideEncryptionConfiguration": [ENCRYPTED]},
        ),
        "Plain": resource("SecretsManager::Secret", Name="plain"),
        "Topic": resource("SNS::Topic", TopicName="alerts", KmsMasterKeyId="alias/redis"),
    }
    return [str(request) for request in needs(recorded, deployment(with_keys))]


@pytest.mark.parametrize("given", [SECRET, SECRET[:-7], f"{TOKEN}-AbCdEf", TOKEN])
def test_a_secret_is_found_by_each_of_its_names(given: str) -> None:
    assert asked(call("secretsmanager:GetSecretValue", SecretId=given)) == [
        f"secretsmanager:GetSecretValue on {SECRET}",
        f"kms:Decrypt on {KEY}",
    ]


@pytest.mark.parametrize(
    ("recorded", "of_the_key"),
    [
        (call("secretsmanager:PutSecretValue", SecretId=SECRET), WRITES),
        (call("secretsmanager:UpdateSecretVersionStage", SecretId=SECRET), []),
        (call("secretsmanager:GetSecretValue", SecretId="plain"), []),  # under AWS's own key
        (call("sns:Publish", TopicArn=TOPIC), WRITES),
        (call("s3:GetObject", Object="reports/week.json"), WRITES[1:]),
    ],
)
def test_a_call_uses_the_key_of_what_it_reads_or_writes(
    recorded: Call, of_the_key: list[str]
) -> None:
    first, *further = asked(recorded)
    assert first.startswith(f"{recorded.action} on arn:aws:")
    assert further == of_the_key


@pytest.mark.parametrize(
    ("recorded", "reason"),
    [
        (call("dynamodb:PutItem"), "unknown action dynamodb:PutItem, add it to"),
        (call("ssm:PutParameter", Name="x", Type="SecureString"), "SecureString"),
        (call("sns:Publish", TopicArn=f"{TOPIC}2"), "no template has the topic"),
        (call("s3:GetObject", Object="theirs/x"), "no template has the bucket theirs"),
    ],
)
def test_what_is_not_listed_or_not_ours_cannot_be_judged(recorded: Call, reason: str) -> None:
    with pytest.raises(CannotBeJudged) as error:
        asked(recorded)
    assert reason in str(error.value)


def resolved(value: Any, **resources: Any) -> Any:
    template = {
        "Parameters": {"Size": {"Default": "3"}, "Unset": {"Type": "String"}},
        "Resources": resources,
    }
    return Deployment({"one": template}, account=ACCOUNT, region=REGION).resolve("one", value)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({"Fn::If": ["Big", 1, 2]}, "Fn::If in stack one"),
        ({"Fn::ImportValue": "nowhere"}, "imports nowhere, which no template exports"),
        (
            {"Fn::GetStackOutput": {"StackName": "other", "OutputName": "key"}},
            "reads key of other, which no template has",
        ),
        (ref("Missing"), "refers to Missing"),
        (ref("Unset"), "refers to Unset"),
        (att("Group", "PrimaryEndPoint.Address"), "PrimaryEndPoint.Address of Group"),
    ],
)
def test_what_is_not_modelled_is_said_so(value: Any, reason: str) -> None:
    with pytest.raises(CannotBeJudged) as error:
        resolved(value, Group=resource("ElastiCache::ReplicationGroup"))
    assert reason in str(error.value)
