"""What ElastiCache would refuse is told before the present group is deleted for it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.aws_samples import group_snapshot, member_snapshot
from tools.command import Answer
from tools.restore import backup

THEN = datetime(2026, 12, 7, 2, 13, tzinfo=UTC)
GROUP = {"ReplicationGroupId": "vibewell-redis", "Engine": "redis", "EngineVersion": "6.2"}
SHARDED = GROUP | {"NumNodeGroups": 3}
SNAPSHOT = member_snapshot("vibewell-redis-002", THEN)
OF_SHARDS = group_snapshot("vibewell-redis", THEN, THEN, THEN)


@pytest.mark.parametrize(
    ("snapshot", "group"),
    [
        (SNAPSHOT, GROUP),
        (SNAPSHOT | {"ReplicationGroupId": "vibewell-redis"}, GROUP),
        (member_snapshot("vibewell-redis-009", THEN), GROUP),  # a node that is gone
        (SNAPSHOT, GROUP | {"EngineVersion": "7.1"}),
        (SNAPSHOT, GROUP | {"Engine": "valkey", "EngineVersion": "8.0"}),
        (SNAPSHOT, GROUP | {"NumNodeGroups": 1}),  # from before cluster mode
        (OF_SHARDS, SHARDED),
    ],
)
def test_a_snapshot_of_this_group_at_its_version_fits(
    snapshot: dict[str, Any], group: dict[str, Any]
) -> None:
    backup.check(snapshot, group)
    assert backup.engine_version(snapshot, group) == group["EngineVersion"]


@pytest.mark.parametrize(
    ("engine", "deployed", "taken_on", "restored_on"),
    [("redis", "7.0", "7.1.0", "7.1"), ("valkey", "8.0", "8.1.0", "8.1")],
)
def test_one_that_is_newer_within_the_family_fits_on_its_own_version(
    engine: str, deployed: str, taken_on: str, restored_on: str
) -> None:
    group = GROUP | {"Engine": engine, "EngineVersion": deployed}
    snapshot = SNAPSHOT | {"Engine": engine, "EngineVersion": taken_on}
    backup.check(snapshot, group)
    assert backup.engine_version(snapshot, group) == restored_on


@pytest.mark.parametrize(
    ("snapshot", "says"),
    [
        (SNAPSHOT | {"SnapshotStatus": "creating"}, "is creating"),
        (member_snapshot("vibewell-redis-staging-001", THEN), "is a snapshot of .*-staging-001"),
        (group_snapshot("vibewell-redis-staging", THEN), "is a snapshot of .*-staging, not"),
        (SNAPSHOT | {"EngineVersion": "7.0.7"}, "taken on redis-7.0, and redis-6.2 is deployed"),
        (SNAPSHOT | {"Engine": "valkey", "EngineVersion": "8.0.1"}, "was taken on valkey-8.0"),
        (OF_SHARDS, "has 3 shards, the deployed group 1"),
    ],
)
def test_one_that_does_not_fit_is_refused_with_a_remedy(
    snapshot: dict[str, Any], says: str
) -> None:
    with pytest.raises(Answer, match=says):
        backup.check(snapshot, GROUP)


@pytest.mark.parametrize("change", [{"EngineVersion": "7.0.7"}, {"NumNodeGroups": 3}])
def test_what_needs_a_deployment_first_says_how_to_deploy_when_the_group_is_gone(
    change: dict[str, Any],
) -> None:
    with pytest.raises(Answer, match=r"SNAPSHOT=none, deploy.*REPLACE=vibewell-redis"):
        backup.check(SNAPSHOT | change, GROUP)


@pytest.mark.parametrize(
    ("snapshot", "group", "demanded"),
    [
        ({}, {}, None),
        ({"Durability": "disabled"}, {}, None),
        ({"Durability": "sync"}, {"Durability": "disabled"}, None),
        ({"Durability": "sync"}, {}, 1),
        ({"Durability": "async"}, {"ReplicasPerNodeGroup": 2}, 2),
    ],
)
def test_a_durable_snapshot_demands_a_replica_in_another_zone(
    snapshot: dict[str, Any], group: dict[str, Any], demanded: int | None
) -> None:
    found = backup.durability(OF_SHARDS | snapshot, SHARDED | group)
    assert found.get("ReplicasPerNodeGroup") == demanded
    assert found.get("MultiAZEnabled", False) is (demanded is not None)
