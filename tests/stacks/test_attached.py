"""An environment whose group somebody else owns: the stacks make everything but the group."""

import json

import pytest

from environments.access import access_string
from environments.schema import Settings
from tests.stacks.limits import over
from tests.support import Document, Stacks, Synth, SynthChanged
from tests.variants import Change, changed
from tools.assembly import Stack
from tools.command import Answer
from tools.picture.deployment import deployment

KEY = "arn:aws:kms:us-east-1:111122223333:key/0a1b2c3d-1111-2222-3333-0123456789ab"
SECRET = (
    "arn:aws:secretsmanager:us-east-1:111122223333:secret:vibewell-redis-production-token-aB3dE6"  # noqa: S105
)
ATTACHED: Change = {
    "redis.existing": True,
    "redis.parameter_group_name": "owner-params",
    "network.subnet_group_name": "owner-subnets",
    "redis.attached": {
        "address": "master.vibewell-redis.abc123.use1.cache.amazonaws.com",
        "reader_address": "replica.vibewell-redis.abc123.use1.cache.amazonaws.com",
        "security_group_id": "sg-0123456789abcdef0",
        "kms_key_arn": KEY,
        "token_secret_arn": SECRET,
    },
}


@pytest.fixture(scope="module")
def attached(synth: Synth, production_document: Document) -> Stacks:
    """The first step, the last one, and one whose login outlived an earlier deployment."""
    last: Change = {
        **ATTACHED,
        "redis.attached.plan_rights": True,
        "redis.attached.clients_read_secret": True,
    }
    return synth(
        Settings.model_validate(changed(production_document, {**change, "environment.name": name}))
        for name, change in {
            "first": ATTACHED,
            "last": last,
            "kept": {**ATTACHED, "redis.attached.login_kept": True},
        }.items()
    )


@pytest.mark.parametrize(("name", "rotated"), [("first", False), ("last", True)])
def test_a_token_that_is_not_rotated_has_no_age_to_alarm_on(
    attached: Stacks, name: str, rotated: bool
) -> None:
    monitoring, operations = (
        attached[f"vibewell-redis-{name}-{part}"] for part in ("monitoring", "operations")
    )
    alarms = monitoring.of_type("AWS::CloudWatch::Alarm").values()
    assert any("token-age" in one["AlarmName"] for one in alarms) == rotated
    oldest = '\\"oldest_token_days\\": ' + ("100" if rotated else "36500")
    assert oldest in json.dumps(operations.resources)


def test_the_longest_names_fit_into_what_aws_takes(synth_changed: SynthChanged) -> None:
    longest: Change = {
        **ATTACHED,
        "environment.name": "e" * 20,
        "redis.replication_group_id": "r" * 26,
        "redis.parameter_group_name": "p" * 255,
        "network.subnet_group_name": "s" * 255,
        "redis.attached.token_secret_arn": SECRET.replace("-aB", f"-{'t' * 480}-aB"),
    }
    assert not over(synth_changed(longest))


def data_of(stacks: Stacks, name: str) -> Stack:
    return stacks[f"vibewell-redis-{name}-data"]


def test_no_stack_holds_the_group_its_network_its_parameters_or_its_secret(
    attached: Stacks,
) -> None:
    stack = data_of(attached, "first")
    for kind in ("ReplicationGroup", "ParameterGroup", "SubnetGroup"):
        assert not stack.of_type(f"AWS::ElastiCache::{kind}")
    assert not stack.of_type("AWS::SecretsManager::Secret")
    assert not stack.of_type("AWS::EC2::SecurityGroup")


def test_clients_keep_their_address_their_token_and_their_rights(attached: Stacks) -> None:
    stack = data_of(attached, "first")
    values = {one["Name"]: one["Value"] for one in stack.of_type("AWS::SSM::Parameter").values()}
    path, address = "/vibewell/first/redis", ATTACHED["redis.attached"]["address"]
    assert values[f"{path}/REDIS_URL"] == f"rediss://{address}:6379"
    assert values[f"{path}/REDIS_PASSWORD_SECRET_ARN"] == SECRET
    user = stack.only("AWS::ElastiCache::User")
    assert user["Passwords"] == [f"{{{{resolve:secretsmanager:{SECRET}:SecretString}}}}"]
    assert user["AccessString"] == "on ~* &* +@all"
    assert (
        access_string(())
        == data_of(attached, "last").only("AWS::ElastiCache::User")["AccessString"]
    )


def test_deleting_the_stack_leaves_clients_their_login(attached: Stacks) -> None:
    resources = data_of(attached, "first").resources.values()
    logins = [one for one in resources if one["Type"].startswith("AWS::ElastiCache::User")]
    assert len(logins) == 2
    assert {one["DeletionPolicy"] for one in logins} == {"RetainExceptOnCreate"}
    assert {one["UpdateReplacePolicy"] for one in logins} == {"Retain"}


def test_a_login_that_outlived_a_deployment_is_named_and_not_made(attached: Stacks) -> None:
    stack = data_of(attached, "kept")
    assert not stack.of_type("AWS::ElastiCache::User")
    assert not stack.of_type("AWS::ElastiCache::UserGroup")
    functions = attached["vibewell-redis-kept-operations"].of_type("AWS::Lambda::Function")
    (rotation,) = (one for one in functions.values() if one["FunctionName"].endswith("-rotation"))
    assert rotation["Environment"]["Variables"]["USER_ID"] == "vibewell-redis-default"


def test_no_token_is_rotated_before_clients_read_the_secret(attached: Stacks) -> None:
    kind = "AWS::SecretsManager::RotationSchedule"
    assert not attached["vibewell-redis-first-operations"].of_type(kind)
    assert attached["vibewell-redis-last-operations"].only(kind)["SecretId"] == SECRET


def test_our_functions_are_let_into_the_owners_security_group(attached: Stacks) -> None:
    operations = attached["vibewell-redis-first-operations"]
    into = [
        rule
        for rule in operations.of_type("AWS::EC2::SecurityGroupIngress").values()
        if rule["GroupId"] == ATTACHED["redis.attached"]["security_group_id"]
    ]
    assert len(into) == 3
    assert {rule["FromPort"] for rule in into} == {6379}
    assert all("SourceSecurityGroupId" in rule for rule in into)


def test_snapshots_are_restored_with_the_right_to_the_owners_key(attached: Stacks) -> None:
    policies = attached["vibewell-redis-first-operations"].of_type("AWS::IAM::ManagedPolicy")
    statements = [
        statement
        for policy in policies.values()
        for statement in policy["PolicyDocument"]["Statement"]
        if KEY in statement["Resource"]
    ]
    assert [one["Action"] for one in statements] == [
        ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"],
        "kms:CreateGrant",
    ]


def test_no_picture_is_drawn_of_a_group_that_no_template_makes(
    attached: Stacks, context: Document
) -> None:
    with pytest.raises(Answer, match="belongs to somebody else"):
        deployment(attached, context, "first")
