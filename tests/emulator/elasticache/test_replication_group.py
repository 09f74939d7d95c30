from unittest.mock import Mock

import pytest

from emulator.engines import EngineMissingError
from tests.emulator.elasticache.conftest import GROUP, Rehearsed


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


def test_a_group_whose_nodes_do_not_start_is_create_failed_and_can_be_deleted(
    rehearsed: Rehearsed, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = Mock(side_effect=EngineMissingError("no server"))
    monkeypatch.setattr("emulator.engines.obtain", missing)
    rehearsed.client.create_replication_group(**GROUP)
    rehearsed.wait(status="create-failed")
    assert "creating failed: no server" in str(rehearsed.client.describe_events())
    rehearsed.delete()
