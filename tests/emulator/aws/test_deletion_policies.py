"""What a stack leaves behind, and what that means for the next one."""

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
