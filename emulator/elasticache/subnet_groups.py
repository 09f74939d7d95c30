"""Subnet groups: which subnets, hence which availability zones, nodes may be in."""

from typing import Any

from emulator.elasticache import wire
from emulator.elasticache.errors import AwsError, invalid_value
from emulator.elasticache.state import State, Subnet, SubnetGroup
from emulator.elasticache.wire import Params


def create(state: State, params: Params) -> dict[str, Any]:
    """CreateCacheSubnetGroup."""
    name = params["CacheSubnetGroupName"].lower()
    if name in state.subnet_groups:
        raise AwsError(
            "CacheSubnetGroupAlreadyExists", f"Cache subnet group {name} already exists."
        )
    group = SubnetGroup(
        name,
        params["CacheSubnetGroupDescription"],
        _subnets(state, params),
        state.arn("subnetgroup", name),
        wire.tags(params),
    )
    state.subnet_groups[name] = group
    return {"CacheSubnetGroup": _view(group)}


def modify(state: State, params: Params) -> dict[str, Any]:
    """ModifyCacheSubnetGroup."""
    group = state.subnet_groups.find(params["CacheSubnetGroupName"])
    description = params.get("CacheSubnetGroupDescription")
    if params.get("SubnetIds"):
        group.subnets = _subnets(state, params)
    if description is not None:
        group.description = description
    return {"CacheSubnetGroup": _view(group)}


def delete(state: State, params: Params) -> dict[str, Any]:
    """DeleteCacheSubnetGroup, unless a replication group uses it."""
    group = state.subnet_groups.find(params["CacheSubnetGroupName"])
    if any(user.subnet_group == group.name for user in state.groups.values()):
        raise AwsError(
            "CacheSubnetGroupInUse",
            f"Cache subnet group {group.name} is currently in use by a cache cluster.",
        )
    del state.subnet_groups[group.name]
    return {}


def describe(state: State, params: Params) -> dict[str, Any]:
    """DescribeCacheSubnetGroups."""
    groups = state.subnet_groups.named(params.get("CacheSubnetGroupName"))
    return wire.page([_view(group) for group in groups], "CacheSubnetGroups", params)


def _subnets(state: State, params: Params) -> list[Subnet]:
    names = params.get("SubnetIds") or []
    if not names:
        raise invalid_value("At least one subnet must be given.")
    subnets = []
    for name in names:
        subnet = state.find_subnet(str(name))
        if subnet is None:
            raise AwsError("InvalidSubnet", f"Subnet {name} does not exist.")
        subnets.append(subnet)
    if len({subnet.vpc for subnet in subnets}) > 1:
        raise AwsError("InvalidSubnet", "All subnets must be in the same VPC.")
    return subnets


def _view(group: SubnetGroup) -> dict[str, Any]:
    return {
        "CacheSubnetGroupName": group.name,
        "CacheSubnetGroupDescription": group.description,
        "VpcId": group.subnets[0].vpc,
        "Subnets": [
            {
                "SubnetIdentifier": subnet.id,
                "SubnetAvailabilityZone": {"Name": subnet.zone},
            }
            for subnet in group.subnets
        ],
        "ARN": group.arn,
    }
