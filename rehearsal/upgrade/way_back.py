"""The way back that AWS leaves: a snapshot from before, restored beside, on the older engine."""

from typing import Any

from emulator.nodes.waiting import wait_until
from rehearsal.common.checks.replication_group import described
from rehearsal.common.rehearsal import Rehearsal
from rehearsal.upgrade.data_check import Kept

SNAPSHOT, BESIDE = "before-the-upgrade", "vibewell-redis-back"
_PATIENCE = 120  # seconds


def take(rehearsal: Rehearsal) -> str:
    """A manual snapshot, which outlives the group and every automatic one."""
    elasticache = rehearsal.aws("elasticache")
    (shard,) = described(rehearsal)["NodeGroups"]
    # As docs/operate/operations.md has a person choose: of a replica, which spares the primary.
    source = max(shard["NodeGroupMembers"], key=lambda member: str(member["CurrentRole"]))
    elasticache.create_snapshot(CacheClusterId=source["CacheClusterId"], SnapshotName=SNAPSHOT)

    def taken() -> str | None:
        (snapshot,) = elasticache.describe_snapshots(SnapshotName=SNAPSHOT)["Snapshots"]
        free = described(rehearsal)["Status"] == "available"
        return str(snapshot["EngineVersion"]) if free else None

    version = wait_until(taken, seconds=_PATIENCE, what=f"the snapshot {SNAPSHOT}")
    return f"{SNAPSHOT}, of {version} on {source['CacheClusterId']}"


def restore(rehearsal: Rehearsal, kept: Kept, engine: str) -> str:
    """A group beside from it, on this engine, with the same data; then it is deleted again."""
    elasticache = rehearsal.aws("elasticache")
    name, version = engine.split("-")
    elasticache.create_replication_group(
        ReplicationGroupId=BESIDE,
        ReplicationGroupDescription="From before the upgrade",
        SnapshotName=SNAPSHOT,
        Engine=name,
        EngineVersion=version,
        **_as_the_group(rehearsal),
    )
    found = wait_until(lambda: _available(rehearsal), seconds=_PATIENCE, what=BESIDE)
    endpoint = found["NodeGroups"][0]["PrimaryEndpoint"]
    said = kept.check(rehearsal, (endpoint["Address"], int(endpoint["Port"])))
    elasticache.delete_replication_group(ReplicationGroupId=BESIDE)
    wait_until(lambda: _gone(rehearsal) or None, seconds=_PATIENCE, what=f"{BESIDE} is deleted")
    return f"{SNAPSHOT} on {engine}: {said}"


def _as_the_group(rehearsal: Rehearsal) -> dict[str, Any]:
    """What a snapshot does not carry: it must be given again (user guide, "Restoring")."""
    group = described(rehearsal)
    node = rehearsal.aws("elasticache").describe_cache_clusters(
        CacheClusterId=group["MemberClusters"][0]
    )["CacheClusters"][0]
    return {
        "CacheNodeType": group["CacheNodeType"],
        "NumCacheClusters": len(group["MemberClusters"]),
        "AutomaticFailoverEnabled": True,
        "MultiAZEnabled": True,
        "AtRestEncryptionEnabled": True,
        "KmsKeyId": group["KmsKeyId"],
        "TransitEncryptionEnabled": True,
        "UserGroupIds": group["UserGroupIds"],
        "CacheSubnetGroupName": node["CacheSubnetGroupName"],
        "SecurityGroupIds": [one["SecurityGroupId"] for one in node["SecurityGroups"]],
    }


def _available(rehearsal: Rehearsal) -> dict[str, Any] | None:
    answer = rehearsal.aws("elasticache").describe_replication_groups(ReplicationGroupId=BESIDE)
    found: dict[str, Any] = answer["ReplicationGroups"][0]
    return found if found["Status"] == "available" else None


def _gone(rehearsal: Rehearsal) -> bool:
    groups = rehearsal.aws("elasticache").describe_replication_groups()["ReplicationGroups"]
    return BESIDE not in [group["ReplicationGroupId"] for group in groups]
