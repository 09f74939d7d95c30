"""The replication group, where clients connect, and its shards."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from redis import Redis
from redis.crc import key_slot

from emulator.nodes.server import connect
from environments.access import user_id
from rehearsal.common.errors import expect, expect_that
from rehearsal.common.rehearsal import Rehearsal, instead_of_the_users, only, paged
from vibewell_redis import Settings, tls

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


def described(rehearsal: Rehearsal, group: str = "") -> dict[str, Any]:
    """What DescribeReplicationGroups says of a group, without a name of the deployed one."""
    group = group or rehearsal.checkout.settings["redis"]["replication_group_id"]
    answer = rehearsal.aws("elasticache").describe_replication_groups(ReplicationGroupId=group)
    found: dict[str, Any] = answer["ReplicationGroups"][0]
    return found


def settled(rehearsal: Rehearsal, group: str, *, gone: bool = False) -> None:
    """Wait until a replication group is available or, with ``gone``, no longer there."""
    name = f"replication_group_{'deleted' if gone else 'available'}"
    times = {"Delay": 0.2, "MaxAttempts": 1500}
    rehearsal.aws("elasticache").get_waiter(name).wait(ReplicationGroupId=group, WaiterConfig=times)


def create_group(rehearsal: Rehearsal, name: str, **properties: Any) -> None:
    """A group by hand, of one small node where ``properties`` do not say otherwise."""
    engine = {"Engine": "redis", "EngineVersion": "6.2", "ReplicationGroupDescription": "By hand"}
    nodes = {"CacheNodeType": "cache.t3.micro", "NumCacheClusters": 1}
    cache = rehearsal.aws("elasticache")
    cache.create_replication_group(ReplicationGroupId=name, **engine | nodes | properties)
    settled(rehearsal, name)


def described_user(rehearsal: Rehearsal) -> dict[str, Any]:
    """What DescribeUsers says of the one that everybody logs in as."""
    group = rehearsal.checkout.settings["redis"]["replication_group_id"]
    answer = rehearsal.aws("elasticache").describe_users(UserId=user_id(group))
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
    call, of = "describe_cache_parameters", {"CacheParameterGroupName": group}
    found = paged(rehearsal.aws("elasticache"), call, "Parameters", **of)
    values = {one["ParameterName"]: one.get("ParameterValue") for one in found}
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


@dataclass(frozen=True)
class Deployed:
    """The group as it was read once: read it again after a change.

    `group` is DescribeReplicationGroups' answer, `nodes` are each member's own address by name,
    `authority` is what the nodes' certificates are verified against.
    """

    group: dict[str, Any]
    nodes: dict[str, Endpoint]
    token: str = field(repr=False)
    authority: Path

    @classmethod
    def of(cls, rehearsal: Rehearsal) -> Self:
        """What is deployed now."""
        group = described(rehearsal)
        cache, call = rehearsal.aws("elasticache"), "describe_cache_clusters"
        nodes = {
            node["CacheClusterId"]: endpoint(node["CacheNodes"][0]["Endpoint"])
            for node in paged(cache, call, "CacheClusters", ShowCacheNodeInfo=True)
            if node["CacheClusterId"] in group["MemberClusters"]
        }
        return cls(group, nodes, token(rehearsal), rehearsal.authority)

    @property
    def endpoints(self) -> dict[str, Endpoint]:
        """Primary and Reader, or in cluster mode Configuration and every node."""
        if self.group["ClusterEnabled"]:
            return {"Configuration": endpoint(self.group["ConfigurationEndpoint"]), **self.nodes}
        shard = self.group["NodeGroups"][0]
        return {name: endpoint(shard[f"{name}Endpoint"]) for name in ("Primary", "Reader")}

    @property
    def published(self) -> Endpoint:
        """The one that applications are given: the primary's, or the configuration address."""
        return next(iter(self.endpoints.values()))

    def connect(self, at: Endpoint | None = None, **login: Any) -> Redis:
        """A client of this address, or of the published one, logged in with the token.

        `login` is another one, as redis-py takes it.
        """
        given = login or {"password": self.token}
        return connect(*(at or self.published), ca_file=str(self.authority), **given)

    def shards(self) -> list[Shard]:
        """As the nodes say now, in the order of their first slots."""
        with self.connect() as redis:
            found = redis.execute_command("CLUSTER", "SLOTS")
        slots: dict[Endpoint, set[int]] = {}
        replicas: dict[Endpoint, tuple[Endpoint, ...]] = {}
        for first, last, primary, *others in sorted(found):
            at = (primary[0], primary[1])
            slots.setdefault(at, set()).update(range(first, last + 1))
            replicas[at] = tuple((other[0], other[1]) for other in others)
        return [Shard(at, replicas[at], frozenset(held)) for at, held in slots.items()]


def token(rehearsal: Rehearsal) -> str:
    """The AUTH token, read as an application reads it."""
    secret = only(rehearsal, "AWS::SecretsManager::Secret", "-data").physical_id
    value: str = rehearsal.aws("secretsmanager").get_secret_value(SecretId=secret)["SecretString"]
    return value


def endpoint(found: dict[str, Any]) -> Endpoint:
    """Where clients connect, of an answer of ElastiCache's."""
    return found["Address"], int(found["Port"])


@contextmanager
def application(rehearsal: Rehearsal) -> Iterator[Settings]:
    """The settings as an application reads them; the token is fetched as long as this lasts."""
    variables = {
        name: value
        for name, value in rehearsal.embedded_aws.environment.items()
        if name.startswith("AWS_")
    }
    variables["SSL_CERT_FILE"] = str(rehearsal.authority)
    with instead_of_the_users(os.environ | variables):
        tls.trust.cache_clear()
        try:
            yield Settings.from_parameter_store(f"/vibewell/{rehearsal.checkout.name}/redis")
        finally:
            tls.trust.cache_clear()
