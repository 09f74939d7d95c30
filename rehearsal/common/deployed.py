"""The replication group, where clients connect, and its shards."""

from dataclasses import dataclass
from typing import Any

from redis import Redis
from redis.crc import key_slot

from emulator.nodes.control import connect
from rehearsal.common.errors import expect, expect_that
from rehearsal.common.rehearsal import Rehearsal, only

GROUP = "AWS::ElastiCache::ReplicationGroup"
USER, USERS = "AWS::ElastiCache::User", "AWS::ElastiCache::UserGroup"
PARAMETERS = "AWS::ElastiCache::ParameterGroup"
SUBNETS = "AWS::ElastiCache::SubnetGroup"

_FEWEST_ZONES = 2


def check_group(rehearsal: Rehearsal) -> str:
    """Every property that the template spells out, against the API's answer."""
    asked = only(rehearsal, GROUP)
    found = described(rehearsal)
    first = rehearsal.aws("elasticache").describe_cache_clusters(
        CacheClusterId=found["MemberClusters"][0], ShowCacheNodeInfo=True
    )["CacheClusters"][0]
    there = {
        "ReplicationGroupId": found["ReplicationGroupId"],
        "ReplicationGroupDescription": found["Description"],
        "AutomaticFailoverEnabled": found["AutomaticFailover"] == "enabled",
        "MultiAZEnabled": found["MultiAZ"] == "enabled",
        "TransitEncryptionEnabled": found["TransitEncryptionEnabled"],
        "AtRestEncryptionEnabled": found["AtRestEncryptionEnabled"],
        "NumCacheClusters": len(found["MemberClusters"]),
        "CacheNodeType": found["CacheNodeType"],
        "SnapshotRetentionLimit": found["SnapshotRetentionLimit"],
        "SnapshotWindow": found["SnapshotWindow"],
        "PreferredMaintenanceWindow": first["PreferredMaintenanceWindow"],
        "AutoMinorVersionUpgrade": found["AutoMinorVersionUpgrade"],
        "Engine": first["Engine"],
    }
    for name, value in there.items():
        if name in asked.properties:
            expect(f"{asked}: {name}", value, asked.properties[name])
    _check_users(rehearsal, found["UserGroupIds"])
    expect_that(
        first["EngineVersion"].startswith(str(asked.properties["EngineVersion"])),
        f"{asked}: asked for {asked.properties['EngineVersion']}, runs {first['EngineVersion']}",
    )
    logs = {entry["LogType"] for entry in asked.properties.get("LogDeliveryConfigurations", [])}
    expect(f"{asked}: logs", {e["LogType"] for e in found["LogDeliveryConfigurations"]}, logs)
    parameters = only(rehearsal, PARAMETERS)
    expect(
        f"{asked}: parameter group",
        first["CacheParameterGroup"]["CacheParameterGroupName"],
        parameters.physical_id,
    )
    _check_parameters(rehearsal, parameters.physical_id, parameters.properties["Properties"])
    zones = _check_subnets(rehearsal, first["CacheSubnetGroupName"])
    return (
        f"{len(found['MemberClusters'])} nodes of {first['Engine']} {first['EngineVersion']}, "
        f"subnets in {zones} zones"
    )


def described(rehearsal: Rehearsal) -> dict[str, Any]:
    """What DescribeReplicationGroups says of the deployed group."""
    group = only(rehearsal, GROUP).physical_id
    answer = rehearsal.aws("elasticache").describe_replication_groups(ReplicationGroupId=group)
    found: dict[str, Any] = answer["ReplicationGroups"][0]
    return found


def described_user(rehearsal: Rehearsal) -> dict[str, Any]:
    """What DescribeUsers says of the one that everybody logs in as."""
    user = only(rehearsal, USER).physical_id
    answer = rehearsal.aws("elasticache").describe_users(UserId=user)
    found: dict[str, Any] = answer["Users"][0]
    return found


def _check_users(rehearsal: Rehearsal, groups: list[str]) -> None:
    group = only(rehearsal, USERS).physical_id
    expect("user groups of the nodes", groups, [group])
    (there,) = rehearsal.aws("elasticache").describe_user_groups(UserGroupId=group)["UserGroups"]
    user = described_user(rehearsal)
    expect(f"users of {group}", there["UserIds"], [user["UserId"]])
    expect(f"{user['UserId']}: name", user["UserName"], "default")
    login = {"Type": "password", "PasswordCount": 1}
    expect(f"{user['UserId']}: login", user["Authentication"], login)


def _check_parameters(rehearsal: Rehearsal, group: str, asked: dict[str, str]) -> None:
    pages = rehearsal.aws("elasticache").get_paginator("describe_cache_parameters")
    values = {
        parameter["ParameterName"]: parameter.get("ParameterValue")
        for page in pages.paginate(CacheParameterGroupName=group)
        for parameter in page["Parameters"]
    }
    for name, value in asked.items():
        expect(f"parameter {name} of {group}", values.get(name), str(value))


def _check_subnets(rehearsal: Rehearsal, group: str) -> int:
    expect("subnet group of the nodes", group, only(rehearsal, SUBNETS).physical_id)
    answer = rehearsal.aws("elasticache").describe_cache_subnet_groups(CacheSubnetGroupName=group)
    ids = [s["SubnetIdentifier"] for s in answer["CacheSubnetGroups"][0]["Subnets"]]
    subnets = rehearsal.aws("ec2").describe_subnets(SubnetIds=ids)["Subnets"]
    for subnet in subnets:
        names = [tag["Value"] for tag in subnet.get("Tags", []) if tag["Key"] == "Name"]
        expect_that(
            any("private" in name for name in names), f"subnet {names} of {group} is not private"
        )
    zones = {subnet["AvailabilityZone"] for subnet in subnets}
    expect_that(len(zones) >= _FEWEST_ZONES, f"the subnets of {group} are in {zones} only")
    return len(zones)


Endpoint = tuple[str, int]


def endpoints(rehearsal: Rehearsal) -> dict[str, Endpoint]:
    """By name: primary and reader, or in cluster mode the configuration address and every node."""
    group = described(rehearsal)
    if not group["ClusterEnabled"]:
        shard = group["NodeGroups"][0]
        found = {name: shard[f"{name}Endpoint"] for name in ("Primary", "Reader")}
    else:
        pages = rehearsal.aws("elasticache").get_paginator("describe_cache_clusters")
        found = {"Configuration": group["ConfigurationEndpoint"]} | {
            node["CacheClusterId"]: node["CacheNodes"][0]["Endpoint"]
            for page in pages.paginate(ShowCacheNodeInfo=True)
            for node in page["CacheClusters"]
            if node["ReplicationGroupId"] == group["ReplicationGroupId"]
        }
    return {name: (one["Address"], int(one["Port"])) for name, one in found.items()}


def connected(rehearsal: Rehearsal, at: Endpoint, **login: Any) -> Redis:
    """A client of that address; `login` is username and password, as redis-py takes them."""
    return connect(*at, ca_file=str(rehearsal.authority), **login)


def published(rehearsal: Rehearsal) -> Endpoint:
    """The one that applications are given: the primary's, or the configuration address."""
    found: Endpoint = next(iter(endpoints(rehearsal).values()))
    return found


@dataclass(frozen=True)
class Shard:
    """Where its nodes are, and the slots that it has."""

    primary: Endpoint
    replicas: tuple[Endpoint, ...]
    slots: frozenset[int]

    def key(self, stem: str) -> str:
        """A key that begins with `stem` and lies here."""
        number = 0
        while key_slot(f"{stem}:{number}".encode()) not in self.slots:
            number += 1
        return f"{stem}:{number}"


def shards_of(rehearsal: Rehearsal, token: str) -> list[Shard]:
    """All of them, in the order of their first slots; `token` opens them."""
    with connected(rehearsal, published(rehearsal), password=token) as redis:
        found = redis.execute_command("CLUSTER", "SLOTS")
    slots: dict[Endpoint, set[int]] = {}
    replicas: dict[Endpoint, tuple[Endpoint, ...]] = {}
    for first, last, primary, *others in sorted(found):
        at = (primary[0], primary[1])
        slots.setdefault(at, set()).update(range(first, last + 1))
        replicas[at] = tuple((other[0], other[1]) for other in others)
    return [Shard(at, replicas[at], frozenset(held)) for at, held in slots.items()]
