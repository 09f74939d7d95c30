"""The replication group, its users, its parameters and its subnets."""

from typing import Any

from rehearsal.common.checks.expecting import expect, expect_that
from rehearsal.common.deployed import only
from rehearsal.common.rehearsal import Rehearsal

GROUP = "AWS::ElastiCache::ReplicationGroup"
USER, USERS = "AWS::ElastiCache::User", "AWS::ElastiCache::UserGroup"
PARAMETERS = "AWS::ElastiCache::ParameterGroup"
SUBNETS = "AWS::ElastiCache::SubnetGroup"

_FEWEST_ZONES = 2


def check(rehearsal: Rehearsal) -> str:
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
        "AutoMinorVersionUpgrade": first["AutoMinorVersionUpgrade"],
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
