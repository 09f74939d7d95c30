"""What ElastiCache would refuse is told before the present group is deleted for it."""

from typing import Any

import pytest

from tools.restore import backup
from tools.restore.errors import CannotRestore

GROUP = {"ReplicationGroupId": "vibewell-redis", "Engine": "redis", "EngineVersion": "6.2"}
SNAPSHOT = {
    "SnapshotName": "daily",
    "SnapshotStatus": "available",
    "ReplicationGroupId": "vibewell-redis",
    "Engine": "redis",
    "EngineVersion": "6.2.6",
    "NumNodeGroups": 1,
}


def test_a_snapshot_of_this_group_at_its_version_fits() -> None:
    backup.check(SNAPSHOT, GROUP)
    backup.check(SNAPSHOT, GROUP | {"EngineVersion": "7.1"})
    backup.check(SNAPSHOT, GROUP | {"Engine": "valkey", "EngineVersion": "8.0"})


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"SnapshotStatus": "creating"}, "is creating"),
        ({"ReplicationGroupId": "vibewell-redis-staging"}, "is a snapshot of .*-staging"),
        ({"EngineVersion": "7.0.7"}, "was taken on 7.0.7, and 6.2 is deployed"),
        ({"NumNodeGroups": 3}, "has 3 shards, the deployed group 1"),
    ],
)
def test_one_that_does_not_fit_is_refused_with_a_remedy(changed: dict[str, Any], says: str) -> None:
    with pytest.raises(CannotRestore, match=says):
        backup.check(SNAPSHOT | changed, GROUP)
