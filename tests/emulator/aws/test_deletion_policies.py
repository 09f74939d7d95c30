"""What a stack leaves behind, and what that means for the next one."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rehearsal.common.rehearsal import Clients
from tests.emulator.aws.conftest import Stacks, eventually, resource

GENERATED = resource(
    "SecretsManager::Secret",
    GenerateSecretString={"PasswordLength": 64, "ExcludePunctuation": True, "IncludeSpace": False},
)
VALUE = {"Fn::Sub": "{{resolve:secretsmanager:${Token}:SecretString}}"}


@pytest.fixture
def name() -> str:
    """What the ids of a stack's resources begin with."""
    return f"g{uuid.uuid4().hex[:8]}"


def group(group_id: str, *, subnets: list[str], **more: Any) -> dict[str, Any]:
    """A one-node replication group with its subnet group."""
    properties = {
        "ReplicationGroupId": group_id,
        "ReplicationGroupDescription": "a test's",
        "Engine": "redis",
        "EngineVersion": "6.2",
        "CacheNodeType": "cache.t3.medium",
        "NumCacheClusters": 1,
        "CacheSubnetGroupName": {"Ref": "Subnets"},
        **more,
    }
    properties_of_group = resource(
        "ElastiCache::ReplicationGroup", deletion_policy="Snapshot", **properties
    )
    zones = {"Description": "two zones", "SubnetIds": subnets}
    return {
        "Subnets": resource("ElastiCache::SubnetGroup", **zones),
        "Group": properties_of_group | {"UpdateReplacePolicy": "Snapshot"},
    }


@pytest.fixture
def subnets(aws: Clients) -> list[str]:
    ec2 = aws("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    return [
        ec2.create_subnet(
            VpcId=vpc, CidrBlock=f"10.9.{n}.0/24", AvailabilityZone=f"us-east-1{zone}"
        )["Subnet"]["SubnetId"]
        for n, zone in enumerate("ab")
    ]


def test_a_group_is_replaced_under_another_name_alone_and_leaves_a_snapshot(
    stacks: Stacks, name: str, subnets: list[str]
) -> None:
    elasticache, other = stacks.aws("elasticache"), f"{name}-2"
    stack = stacks.create(group(name, subnets=subnets))
    changed = group(name, subnets=subnets, Port=6380)
    assert stacks.update(stack, changed) == "UPDATE_ROLLBACK_COMPLETE"
    assert "requires replacing" in stacks.reasons(stack)
    there = elasticache.describe_replication_groups(ReplicationGroupId=name)
    assert there["ReplicationGroups"][0]["Status"] == "available"
    assert stacks.update(stack, group(other, subnets=subnets)) == "UPDATE_COMPLETE"
    assert stacks.physical_id(stack, "Group") == other
    describe = elasticache.describe_replication_groups
    eventually(lambda: gone(describe, ReplicationGroupId=name), "it is deleted")
    names = [each["SnapshotName"] for each in elasticache.describe_snapshots()["Snapshots"]]
    assert [each for each in names if each.startswith(f"{name}-final-")]


def template(name: str, subnets: list[str], *, deletion_policy: str = "Delete") -> dict[str, Any]:
    user = {"UserId": f"{name}-default", "UserName": "default", "Engine": "redis"}
    users = {"UserGroupId": f"{name}-users", "Engine": "redis", "UserIds": [{"Ref": "User"}]}
    access = {"AccessString": "on ~* &* +@all", "Passwords": [VALUE]}
    login = {"TransitEncryptionEnabled": True, "UserGroupIds": [{"Ref": "Users"}]}
    return {
        "Token": GENERATED,
        "User": resource("ElastiCache::User", deletion_policy=deletion_policy, **user, **access),
        "Users": resource("ElastiCache::UserGroup", deletion_policy=deletion_policy, **users),
        **group(name, subnets=subnets, **login),
    }


def test_what_a_stack_left_makes_the_next_one_fail_and_a_failed_one_leaves_nothing(
    stacks: Stacks, name: str, subnets: list[str]
) -> None:
    elasticache = stacks.aws("elasticache")
    retained = template(name, subnets, deletion_policy="RetainExceptOnCreate")
    user, users = f"{name}-default", f"{name}-users"
    stacks.delete(stacks.create(retained))
    assert "UserAlreadyExists" in stacks.refused(retained)
    elasticache.delete_user_group(UserGroupId=users)
    eventually(lambda: gone(elasticache.describe_user_groups, UserGroupId=users), "it is deleted")
    elasticache.delete_user(UserId=user)
    eventually(lambda: gone(elasticache.describe_users, UserId=user), "it is deleted")
    elasticache.create_user_group(UserGroupId=users, Engine="redis", UserIds=["default"])
    assert "UserGroupAlreadyExists" in stacks.refused(retained)
    assert gone(elasticache.describe_users, UserId=user)


def test_from_a_token_to_a_user_group_a_group_is_replaced(
    stacks: Stacks, name: str, subnets: list[str]
) -> None:
    token = group(name, subnets=subnets, TransitEncryptionEnabled=True, AuthToken=VALUE)
    stack = stacks.created({"Token": GENERATED, **token})
    assert stacks.update(stack, template(name, subnets)) == "UPDATE_ROLLBACK_COMPLETE"
    assert "requires replacing" in stacks.reasons(stack)


def gone(describe: Callable[..., object], **named: str) -> bool:
    try:
        describe(**named)
    except ClientError as error:
        return "NotFound" in str(error)
    return False
