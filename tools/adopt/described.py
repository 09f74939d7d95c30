"""The group as ElastiCache describes it, as the settings that say so, and what differs from them.

Sources: botocore's models of DescribeReplicationGroups, DescribeCacheClusters and
DescribeCacheParameters.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from environments.access import user_group_id
from environments.node_types import NODE_TYPES
from environments.parameters import check_parameter
from environments.schema import Settings
from shared.aws_calls import every
from tools.command import Answer
from tools.deploy_guard import group_of
from tools.settings_file import Changes, differing, value_at

# What the difference does, and what it takes to end it.
EFFECTS = {
    "redis.engine": "Rights, alarms and reviews follow the version: docs/operate/upgrades.md",
    "redis.node_type": "Alarms on memory, credits and connections follow the type",
    "redis.shards": "Alarms are by shard. A group does not change its number by attaching",
    "redis.cluster_mode": "Clients need a cluster client. Only a new group changes it",
    "redis.replicas": "Fewer nodes take over when one is lost, and fewer can be lost",
    "redis.automatic_failover": "Without it a lost primary stays lost until somebody acts",
    "redis.multi_az": "Without it one zone can take the primary and its replicas",
    "redis.snapshot_window": "The recovery test restores the backup of this window",
    "redis.snapshot_retention_days": "Backups are kept so long; an older state is gone",
    "redis.maintenance_window": "AWS restarts nodes in this window",
    "redis.auto_minor_version_upgrade": "Without it patches wait for make apply-updates",
    "redis.encryption_at_rest": "Data and backups are not encrypted. Only a new group changes it",
    "redis.parameter_group_name": "The owner's group is read, and its values are checked",
    "network.subnet_group_name": "Recovery tests restore into the owner's subnets",
    "alarms.cpu_credit_balance": "The alarm follows the node type",
}
_OF_A_PARAMETER = "Redis runs with the group's value. The owner changes it in the parameter group"


def describe(elasticache: Any, settings: Settings) -> tuple[Mapping[str, Any], Changes]:
    """The group of the settings' name, and the settings that describe it.

    Raises Answer for a group that cannot be attached.
    """
    name = settings.redis.replication_group_id
    group = group_of(elasticache, name)
    if group is None:
        raise Answer(
            f"adopt: there is no group {name} in {settings.environment.region}. Write the id of "
            f"the one to adopt as redis.replication_group_id in environments/"
            f"{settings.environment.name}.toml."
        )
    check(group)
    node = elasticache.describe_cache_clusters(CacheClusterId=group["MemberClusters"][0])
    (node,) = node["CacheClusters"]
    if not node.get("SecurityGroups"):
        raise Answer(
            f"adopt: {node['CacheClusterId']} has no security group. Our functions reach the group "
            "by a rule in one. Its owner gives the group one first."
        )
    return group, dict(_changes(elasticache, settings, group, node))


def check(group: Mapping[str, Any]) -> None:
    """Raise Answer for a group that cannot be attached, or not now."""
    name = group["ReplicationGroupId"]
    if group["Status"] != "available":
        raise Answer(
            f"adopt: {name} is {group['Status']}. ElastiCache takes no change meanwhile. Wait "
            "until it is available."
        )
    if not group.get("TransitEncryptionEnabled"):
        raise Answer(
            f"adopt: {name} is without TLS. Users and passwords need it (ElastiCache user guide, "
            "RBAC). Its owner turns it on first: from Redis 7.0.5 in place, before that by a new "
            "group."
        )
    users = group.get("UserGroupIds") or []
    if users not in ([], [user_group_id(name)]):
        raise Answer(
            f"adopt: {name} has the user group {', '.join(users)}. Its users are somebody's, and "
            "their passwords would not be rotated. Only a group with an AUTH token is adopted."
        )
    if not users and not group.get("AuthTokenEnabled"):
        raise Answer(
            f"adopt: {name} takes logins without a token. A user with a password would lock its "
            "clients out. Its owner adds a token first, with strategy ROTATE, which keeps clients "
            "without one served; clients then send it; strategy SET makes it required."
        )


def _changes(
    elasticache: Any, settings: Settings, group: Mapping[str, Any], node: Mapping[str, Any]
) -> Iterator[tuple[str, Any]]:
    shards, kind = group["NodeGroups"], node["CacheNodeType"]
    primary = group.get("ConfigurationEndpoint") or shards[0]["PrimaryEndpoint"]
    parameters = node["CacheParameterGroup"]["CacheParameterGroupName"]
    engine = f"{node['Engine']}-{'.'.join(node['EngineVersion'].split('.')[:2])}"
    yield "redis.engine", engine
    yield "redis.node_type", kind
    yield "redis.shards", len(shards)
    yield "redis.replicas", len(shards[0]["NodeGroupMembers"]) - 1
    failover, zones = group.get("AutomaticFailover"), group.get("MultiAZ")
    said = {
        "redis.cluster_mode": group.get("ClusterEnabled"),
        "redis.automatic_failover": failover and failover == "enabled",
        "redis.multi_az": zones and zones == "enabled",
        "redis.snapshot_window": group.get("SnapshotWindow"),
        "redis.snapshot_retention_days": group.get("SnapshotRetentionLimit"),
        "redis.maintenance_window": node.get("PreferredMaintenanceWindow"),
        "redis.auto_minor_version_upgrade": node.get("AutoMinorVersionUpgrade"),
        "redis.encryption_at_rest": group.get("AtRestEncryptionEnabled"),
    }
    # Not every sample of AWS's answers has each: what is not said stays as the file has it.
    yield from ((key, value) for key, value in said.items() if value is not None)
    yield "redis.data_tiering", True if group.get("DataTiering") == "enabled" else None
    yield "redis.parameter_group_name", parameters
    yield "network.subnet_group_name", node["CacheSubnetGroupName"]
    yield "alarms.cpu_credit_balance", credit_floor(settings, kind)
    set_there = _parameters(elasticache, parameters, settings)
    for name in sorted({*settings.redis.parameters, *set_there}):
        yield f"redis.parameters.{name}", set_there.get(name)
    yield "redis.existing", True
    yield "redis.attached.address", primary["Address"]
    if reader := shards[0].get("ReaderEndpoint", {}).get("Address"):
        yield "redis.attached.reader_address", reader
    yield "redis.attached.security_group_id", node["SecurityGroups"][0]["SecurityGroupId"]
    yield "redis.attached.kms_key_arn", group.get("KmsKeyId") or None


def credit_floor(settings: Settings, kind: str) -> int | None:
    """``alarms.cpu_credit_balance`` for a node type: as it is where it fits, else a fifth."""
    node, there = NODE_TYPES.get(kind), settings.alarms.cpu_credit_balance
    if node is None or node.cpu_credits is None:
        return None
    most = node.cpu_credits.maximum
    same = there and settings.redis.node_type.cpu_credits == node.cpu_credits
    return there if same else most // 5


def _parameters(elasticache: Any, name: str, settings: Settings) -> dict[str, str]:
    """Those that are not the family's defaults, or that the settings name."""
    (group,) = elasticache.describe_cache_parameter_groups(CacheParameterGroupName=name)[
        "CacheParameterGroups"
    ]
    found = every(elasticache.describe_cache_parameters, "Parameters", CacheParameterGroupName=name)
    return {
        each["ParameterName"]: each["ParameterValue"]
        for each in found
        if each.get("ParameterValue")
        and (each.get("Source") == "user" or each["ParameterName"] in settings.redis.parameters)
        and _may_be_set(group["CacheParameterGroupFamily"], each)
    }


def _may_be_set(family: str, parameter: Mapping[str, Any]) -> bool:
    try:
        check_parameter(family, parameter["ParameterName"], parameter["ParameterValue"])
    except ValueError:
        return False  # fixed by ElastiCache: cluster-enabled, for example
    return True


def differences(document: Mapping[str, Any], changes: Changes) -> Iterator[str]:
    """One line for each value that is not the file's: both values, and what the difference does."""
    for key, value in differing(document, changes).items():
        if effect := _OF_A_PARAMETER if ".parameters." in key else EFFECTS.get(key):
            before = value_at(document, key)
            yield f"- {key}: the group has {_said(value)}, the file {_said(before)}. {effect}."


def _said(value: object) -> str:
    return "none" if value is None else str(value).lower()
