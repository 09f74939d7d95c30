"""What a stack leaves behind, and what that means for the next one."""

import json
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rehearsal.common.rehearsal import Clients
from tests.emulator.aws.helpers import Stacks, eventually, resource

TOKEN = {"PasswordLength": 64, "ExcludePunctuation": True, "IncludeSpace": False}


def secret(policy: str) -> dict[str, Any]:
    return resource("SecretsManager::Secret", kept=policy, GenerateSecretString=TOKEN)


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
    made = resource("ElastiCache::ReplicationGroup", kept="Snapshot", **properties)
    zones = {"Description": "two zones", "SubnetIds": subnets}
    return {
        "Subnets": resource("ElastiCache::SubnetGroup", **zones),
        "Group": made | {"UpdateReplacePolicy": "Snapshot"},
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


def snapshots(aws: Clients) -> list[str]:
    return [s["SnapshotName"] for s in aws("elasticache").describe_snapshots()["Snapshots"]]


def test_a_retained_secret_outlives_its_stack_and_lets_the_next_one_have_its_own(
    stacks: Stacks,
) -> None:
    name = stacks.create({"Token": secret("Retain")})
    first = stacks.physical_id(name, "Token")
    stacks.delete(name)
    kept = stacks.aws("secretsmanager").get_secret_value(SecretId=first)["SecretString"]
    stacks.create({"Token": secret("Retain")}, name=name)
    second = stacks.physical_id(name, "Token")
    assert first.startswith("arn:aws:secretsmanager:")
    assert first != second
    assert stacks.aws("secretsmanager").get_secret_value(SecretId=first)["SecretString"] == kept


def test_a_group_leaves_a_snapshot_when_its_stack_goes(stacks: Stacks, subnets: list[str]) -> None:
    group_id = f"g{uuid.uuid4().hex[:8]}"
    name = stacks.made(group(group_id, subnets=subnets))
    stacks.delete(name)
    assert [s for s in snapshots(stacks.aws) if s.startswith(group_id)]


def test_a_group_that_is_replaced_leaves_a_snapshot(stacks: Stacks, subnets: list[str]) -> None:
    before, after = f"g{uuid.uuid4().hex[:8]}", f"g{uuid.uuid4().hex[:8]}"
    name = stacks.create(group(before, subnets=subnets))
    assert stacks.update(name, group(after, subnets=subnets)) == "UPDATE_COMPLETE"
    assert stacks.physical_id(name, "Group") == after
    eventually(lambda: [s for s in snapshots(stacks.aws) if s.startswith(before)], "a snapshot")
    with pytest.raises(ClientError, match="NotFound"):
        stacks.aws("elasticache").describe_replication_groups(ReplicationGroupId=before)


def test_a_group_with_a_fixed_name_is_never_replaced(stacks: Stacks, subnets: list[str]) -> None:
    group_id = f"g{uuid.uuid4().hex[:8]}"
    name = stacks.create(group(group_id, subnets=subnets))
    changed = group(group_id, subnets=subnets, Port=6380)
    assert stacks.update(name, changed) == "UPDATE_ROLLBACK_COMPLETE"
    assert "requires replacing" in stacks.reasons(name)
    there = stacks.aws("elasticache").describe_replication_groups(ReplicationGroupId=group_id)
    assert there["ReplicationGroups"][0]["Status"] == "available"


def test_a_group_that_elasticache_refuses_leaves_nothing_behind(
    stacks: Stacks, subnets: list[str]
) -> None:
    group_id = f"g{uuid.uuid4().hex[:8]}"
    failover_of_one = group(group_id, subnets=subnets, AutomaticFailoverEnabled=True)
    assert stacks.refused(failover_of_one)
    with pytest.raises(ClientError, match="NotFound"):
        stacks.aws("elasticache").describe_replication_groups(ReplicationGroupId=group_id)


def test_a_resource_policy_comes_and_goes_with_its_stack(stacks: Stacks) -> None:
    manager = stacks.aws("secretsmanager")
    arn = manager.create_secret(Name=f"test-{uuid.uuid4()}", SecretString="x")["ARN"]
    statement = {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    kind = "SecretsManager::ResourcePolicy"
    name = stacks.create({"Policy": resource(kind, SecretId=arn, ResourcePolicy=policy)})
    assert json.loads(manager.get_resource_policy(SecretId=arn)["ResourcePolicy"]) == policy
    stacks.delete(name)
    assert "ResourcePolicy" not in manager.get_resource_policy(SecretId=arn)
