"""What each kind of call asks permission for."""

import pytest

from aws_rules.problem import CannotBeJudged
from emulator.iam.actions import needs
from emulator.iam.recorded import Call
from tests.emulator.iam.example import (
    ACCOUNT,
    DATA,
    FUNCTION,
    REGION,
    ROLE,
    SECRET,
    att,
    call,
    deployment,
    ref,
    resource,
    templates,
)

HERE = f"{REGION}:{ACCOUNT}"
KEY = f"arn:aws:kms:{HERE}:key/Key"
TOPIC = f"arn:aws:sns:{HERE}:alerts"


def asked(one: Call) -> list[str]:
    made = templates()
    made[DATA]["Resources"] |= {
        "Alias": resource("KMS::Alias", AliasName="alias/redis", TargetKeyId=ref("Key")),
        "Bucket": resource(
            "S3::Bucket",
            BucketName="reports",
            BucketEncryption={
                "ServerSideEncryptionConfiguration": [
                    {
                        "ServerSideEncryptionByDefault": {
                            "SSEAlgorithm": "aws:kms",
                            "KMSMasterKeyID": att("Key"),
                        }
                    }
                ]
            },
        ),
        "Plain": resource("SecretsManager::Secret", Name="plain"),
        "Topic": resource("SNS::Topic", TopicName="alerts", KmsMasterKeyId="alias/redis"),
    }
    return [str(request) for request in needs(one, deployment(made))]


@pytest.mark.parametrize("given", [SECRET, SECRET[:-7], "Secret-AbCdEf", "Secret"])
def test_a_secret_is_found_by_each_of_its_names(given: str) -> None:
    assert asked(call("secretsmanager:GetSecretValue", SecretId=given)) == [
        f"secretsmanager:GetSecretValue on {SECRET}",
        f"kms:Decrypt on {KEY}",
    ]


def test_writing_a_secret_uses_its_key_both_ways_and_moving_a_label_does_not() -> None:
    assert asked(call("secretsmanager:PutSecretValue", SecretId=SECRET))[1:] == [
        f"kms:GenerateDataKey on {KEY}",
        f"kms:Decrypt on {KEY}",
    ]
    assert len(asked(call("secretsmanager:UpdateSecretVersionStage", SecretId=SECRET))) == 1


def test_a_secret_under_awss_own_key_needs_no_permission_for_it() -> None:
    assert len(asked(call("secretsmanager:GetSecretValue", SecretId="plain"))) == 1


def test_describing_one_group_and_all_groups_differ() -> None:
    one = call("elasticache:DescribeReplicationGroups", ReplicationGroupId="redis")
    group = f"arn:aws:elasticache:{HERE}:replicationgroup"
    assert asked(one) == [f"{one.action} on {group}:redis"]
    assert asked(call(one.action)) == [f"{one.action} on {group}:*"]


def test_restoring_a_group_asks_for_all_that_it_is_made_of() -> None:
    restore = call(
        "elasticache:CreateReplicationGroup",
        ReplicationGroupId="throw-away",
        CacheParameterGroupName="parameters",
        CacheSubnetGroupName="subnets",
        SnapshotName="newest",
        UserGroupIds="users",
        KmsKeyId=KEY,
        Tags="given",
    )
    found = asked(restore)
    for kind, name in (
        ("replicationgroup", "throw-away"),
        ("parametergroup", "parameters"),
        ("subnetgroup", "subnets"),
        ("snapshot", "newest"),
        ("usergroup", "users"),
    ):
        assert f"{restore.action} on arn:aws:elasticache:{HERE}:{kind}:{name}" in found
    group = f"arn:aws:elasticache:{HERE}:replicationgroup:throw-away"
    assert f"elasticache:AddTagsToResource on {group}" in found
    assert f"kms:CreateGrant on {KEY}" in found
    assert "ec2:CreateNetworkInterface" in found


@pytest.mark.parametrize(
    ("action", "named", "on"),
    [
        ("ModifyUser", {"UserId": "redis-default"}, ["user:redis-default"]),
        ("DescribeUsers", {"UserId": "redis-default"}, ["user:redis-default"]),
        ("DescribeUsers", {}, ["user:*"]),
        ("DescribeUserGroups", {"UserGroupId": "redis-users"}, ["usergroup:redis-users"]),
        (
            "ModifyReplicationGroup",
            {"ReplicationGroupId": "redis", "UserGroupIdsToAdd": "redis-users"},
            ["replicationgroup:redis", "usergroup:redis-users"],
        ),
    ],
)
def test_users_and_their_groups_have_arns_of_their_own(
    action: str, named: dict[str, str], on: list[str]
) -> None:
    asked_for = f"elasticache:{action}"
    assert asked(call(asked_for, **named)) == [
        f"{asked_for} on arn:aws:elasticache:{HERE}:{one}" for one in on
    ]


def test_publishing_to_an_encrypted_topic_uses_its_key() -> None:
    assert asked(call("sns:Publish", TopicArn=TOPIC)) == [
        f"sns:Publish on {TOPIC}",
        f"kms:GenerateDataKey on {KEY}",
        f"kms:Decrypt on {KEY}",
    ]


def test_an_object_of_an_encrypted_bucket_uses_its_key() -> None:
    assert asked(call("s3:GetObject", Object="reports/week.json")) == [
        "s3:GetObject on arn:aws:s3:::reports/week.json",
        f"kms:Decrypt on {KEY}",
    ]


@pytest.mark.parametrize(
    ("one", "resource_part"),
    [
        (call("ssm:GetParameter", Name="/a/b"), ":parameter/a/b"),
        (call("ssm:PutParameter", Name="plain", Type="String"), ":parameter/plain"),
        (call("ssm:GetParametersByPath", Path="/a"), ":parameter/a"),
        (call("cloudwatch:DescribeAlarms"), ":alarm:*"),
        (
            call("logs:PutLogEvents", logGroupName="/x", logStreamName="y"),
            ":log-group:/x:log-stream:y",
        ),
    ],
)
def test_the_resource_follows_from_the_parameters(one: Call, resource_part: str) -> None:
    service = one.action.partition(":")[0]
    assert asked(one) == [f"{one.action} on arn:aws:{service}:{HERE}{resource_part}"]


def test_several_names_are_several_requests() -> None:
    names = Call(FUNCTION, ROLE, "ssm:GetParameters", {"Names": ("/a", "/b")})
    assert len(asked(names)) == 2


def test_a_metrics_namespace_can_be_the_condition() -> None:
    (request,) = needs(call("cloudwatch:PutMetricData", Namespace="Redis"), deployment())
    assert (request.resource, request.context) == ("*", {"cloudwatch:namespace": "Redis"})


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        (call("dynamodb:PutItem"), "unknown action dynamodb:PutItem, add it to"),
        (call("ssm:PutParameter", Name="x", Type="SecureString"), "SecureString"),
        (call("sns:Publish", TopicArn=f"{TOPIC}2"), "no template has the topic"),
        (call("s3:GetObject", Object="theirs/x"), "no template has the bucket theirs"),
    ],
)
def test_what_is_not_listed_or_not_ours_cannot_be_judged(one: Call, reason: str) -> None:
    with pytest.raises(CannotBeJudged) as found:
        asked(one)
    assert reason in str(found.value)
