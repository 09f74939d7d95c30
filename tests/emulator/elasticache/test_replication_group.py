import os
from unittest.mock import Mock

import pytest
from botocore.exceptions import ClientError

from emulator.engines import EngineMissingError
from emulator.nodes.waiting import until
from tests.emulator.elasticache.conftest import GROUP, SHARDED, Rehearsed, Start, log

PLAN = {
    "ReplicationGroupId": "vibewell-redis",
    "NumCacheClusters": 3,
    "AutomaticFailoverEnabled": True,
    "MultiAZEnabled": True,
    "CacheSubnetGroupName": "vibewell-production-private-subnets",
    "CacheParameterGroupName": "params",
    "AtRestEncryptionEnabled": True,
    "KmsKeyId": "arn:aws:kms:us-east-1:111122223333:key/1",
    "SnapshotRetentionLimit": 7,
    "SecurityGroupIds": ["sg-1"],
    "NotificationTopicArn": "arn:aws:sns:us-east-1:111122223333:events",
    "AutoMinorVersionUpgrade": False,
    "Tags": [{"Key": "Name", "Value": "vibewell-redis"}],
    "LogDeliveryConfigurations": [log("slow-log"), log("engine-log")],
}


def surroundings(rehearsed: Rehearsed) -> None:
    rehearsed.client.create_cache_subnet_group(
        CacheSubnetGroupName="vibewell-production-private-subnets",
        CacheSubnetGroupDescription="private",
        SubnetIds=["subnet-1", "subnet-2"],
    )
    rehearsed.client.create_cache_parameter_group(
        CacheParameterGroupName="params",
        CacheParameterGroupFamily="redis6.x",
        Description="vibewell-redis-params",
    )
    rehearsed.client.modify_cache_parameter_group(
        CacheParameterGroupName="params",
        ParameterNameValues=[
            {"ParameterName": "maxmemory-policy", "ParameterValue": "allkeys-lru"},
            {"ParameterName": "timeout", "ParameterValue": "300"},
            {"ParameterName": "tcp-keepalive", "ParameterValue": "60"},
            {"ParameterName": "notify-keyspace-events", "ParameterValue": "AKE"},
        ],
    )


def test_the_plans_group_is_created_as_it_was_asked_for(rehearsed: Rehearsed) -> None:
    surroundings(rehearsed)
    created = rehearsed.client.create_replication_group(**(GROUP | PLAN))["ReplicationGroup"]
    assert created["Status"] == "creating"
    group = rehearsed.wait("vibewell-redis")
    assert group["MemberClusters"] == [f"vibewell-redis-00{number}" for number in (1, 2, 3)]
    assert group["AutomaticFailover"] == group["MultiAZ"] == "enabled"
    assert group["SnapshotRetentionLimit"] == 7
    assert group["AuthTokenEnabled"]
    assert group["KmsKeyId"] == PLAN["KmsKeyId"]
    assert {entry["LogType"] for entry in group["LogDeliveryConfigurations"]} == {
        "slow-log",
        "engine-log",
    }
    (shard,) = group["NodeGroups"]
    assert shard["PrimaryEndpoint"]["Port"] == 6379
    roles = [member["CurrentRole"] for member in shard["NodeGroupMembers"]]
    assert roles == ["primary", "replica", "replica"]
    zones = {member["PreferredAvailabilityZone"] for member in shard["NodeGroupMembers"]}
    assert zones == {"us-east-1a", "us-east-1b"}
    client = rehearsed.connect("vibewell-redis")
    client.set("key", "value")
    assert client.wait(2, 30000) == 2

    members = rehearsed.client.describe_cache_clusters(ShowCacheNodeInfo=True)["CacheClusters"]
    assert [member["CacheClusterId"] for member in members] == group["MemberClusters"]
    assert members[0]["EngineVersion"] == "6.2.6"
    assert members[0]["PreferredMaintenanceWindow"] == "sun:03:00-sun:05:00"
    assert members[0]["CacheParameterGroup"]["CacheParameterGroupName"] == "params"
    assert members[0]["SecurityGroups"] == [{"SecurityGroupId": "sg-1", "Status": "active"}]
    assert members[0]["NotificationConfiguration"]["TopicArn"] == PLAN["NotificationTopicArn"]
    assert len(members[0]["CacheNodes"]) == 1


def test_one_member_can_be_described_and_nodes_are_shown_only_when_asked_for(
    rehearsed: Rehearsed,
) -> None:
    rehearsed.create()
    found = rehearsed.client.describe_cache_clusters(CacheClusterId="redis-001")
    (member,) = found["CacheClusters"]
    assert member["ReplicationGroupId"] == "redis"
    assert "CacheNodes" not in member


def test_cluster_mode_names_its_members_and_gives_a_configuration_address(
    rehearsed: Rehearsed,
) -> None:
    group = rehearsed.create(**(SHARDED | {"CacheParameterGroupName": None}))
    assert group["ClusterEnabled"]
    assert group["MemberClusters"] == ["redis-0001-001", "redis-0002-001"]
    assert [shard["Slots"] for shard in group["NodeGroups"]] == ["0-8191", "8192-16383"]
    assert group["ConfigurationEndpoint"]["Port"] == 6379
    assert "PrimaryEndpoint" not in group["NodeGroups"][0]


def test_a_failover_on_request_changes_the_roles_and_tells_so(rehearsed: Rehearsed) -> None:
    before = rehearsed.create(NumCacheClusters=2, AutomaticFailoverEnabled=True)
    rehearsed.connect().set("key", "value")
    answer = rehearsed.client.test_failover(ReplicationGroupId="redis", NodeGroupId="0001")
    assert answer["ReplicationGroup"]["Status"] == "modifying"
    after = rehearsed.wait()
    roles = {
        member["CacheClusterId"]: member["CurrentRole"]
        for member in after["NodeGroups"][0]["NodeGroupMembers"]
    }
    assert roles == {"redis-001": "replica", "redis-002": "primary"}
    assert after["NodeGroups"][0]["PrimaryEndpoint"] == before["NodeGroups"][0]["PrimaryEndpoint"]
    assert rehearsed.connect().get("key") == "value"
    messages = [
        (event["SourceType"], event["Message"])
        for event in reversed(rehearsed.client.describe_events()["Events"])
    ]
    done = "Failover from primary node redis-001 to replica node redis-002 completed"
    assert messages[1:] == [
        ("replication-group", "Test Failover API called for node group 0001"),
        ("cache-cluster", done),
        ("replication-group", done),
        ("cache-cluster", "Recovering cache nodes 0001"),
        ("cache-cluster", "Finished recovery for cache nodes 0001"),
    ]


def test_replicas_are_added_and_removed_by_number(rehearsed: Rehearsed) -> None:
    rehearsed.create()
    rehearsed.client.increase_replica_count(
        ReplicationGroupId="redis", NewReplicaCount=2, ApplyImmediately=True
    )
    assert rehearsed.wait()["MemberClusters"] == ["redis-001", "redis-002", "redis-003"]
    rehearsed.client.decrease_replica_count(
        ReplicationGroupId="redis", NewReplicaCount=1, ApplyImmediately=True
    )
    assert rehearsed.wait()["MemberClusters"] == ["redis-001", "redis-002"]


@pytest.mark.plan("1")
def test_more_shards_are_made_with_their_replicas_and_shown_with_their_slots(
    rehearsed: Rehearsed,
) -> None:
    rehearsed.create(**(SHARDED | {"ReplicasPerNodeGroup": 1}))
    rehearsed.client.modify_replication_group_shard_configuration(
        ReplicationGroupId="redis", NodeGroupCount=3, ApplyImmediately=True
    )
    assert rehearsed.describe()["Status"] == "modifying"
    found = rehearsed.wait()
    assert found["MemberClusters"][-2:] == ["redis-0003-001", "redis-0003-002"]
    assert [one["Slots"] for one in found["NodeGroups"]] == [
        "0-5460",
        "8192-13652",
        "5461-8191,13653-16383",
    ]


def test_a_deleted_group_is_gone_with_all_its_servers(rehearsed: Rehearsed) -> None:
    rehearsed.create()
    pid = rehearsed.connect().info("server")["process_id"]
    rehearsed.delete()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with pytest.raises(ClientError, match="ReplicationGroupNotFoundFault"):
        rehearsed.describe()


def test_a_group_can_be_created_again_under_its_name_and_is_empty(rehearsed: Rehearsed) -> None:
    rehearsed.create()
    rehearsed.connect().set("key", "value")
    rehearsed.delete(FinalSnapshotIdentifier="final")
    rehearsed.create()
    assert rehearsed.connect().get("key") is None


def test_statuses_last_as_long_as_in_aws_divided_by_the_speed(start: Start) -> None:
    rehearsed = start(speed=600.0)
    rehearsed.client.create_replication_group(**GROUP)
    group = rehearsed.service._state.groups["redis"]  # noqa: SLF001 - to see the nodes start
    until(lambda: group.nodes is not None, 120, "nodes")
    assert rehearsed.describe()["Status"] == "creating"
    rehearsed.wait()


def test_a_group_whose_nodes_do_not_start_is_create_failed_and_can_be_deleted(
    rehearsed: Rehearsed, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = Mock(side_effect=EngineMissingError("no server"))
    monkeypatch.setattr("emulator.engines.obtain", missing)
    rehearsed.client.create_replication_group(**GROUP)
    rehearsed.wait(status="create-failed")
    assert "creating failed: no server" in str(rehearsed.client.describe_events())
    rehearsed.delete()
