"""Subnet groups: which subnets, hence which availability zones, nodes may be in."""

from typing import Any

from emulator.elasticache import wire
from emulator.elasticache.state import State, SubnetGroup
from emulator.elasticache.wire import AwsError, Params, invalid_value


def create_cache_subnet_group(state: State, params: Params) -> dict[str, Any]:
    """Create a subnet group of subnets that exist."""
    name = state.subnet_groups.new_id(params["CacheSubnetGroupName"])
    shown = {
        "CacheSubnetGroupName": name,
        "CacheSubnetGroupDescription": params["CacheSubnetGroupDescription"],
        "ARN": state.arn("subnetgroup", name),
        **_subnets(state, params),
    }
    state.subnet_groups[name] = SubnetGroup(shown, wire.tags(params))
    return {"CacheSubnetGroup": shown}


def modify_cache_subnet_group(state: State, params: Params) -> dict[str, Any]:
    """Change the description, or all of the subnets."""
    group = state.subnet_groups.find(params["CacheSubnetGroupName"])
    if params.get("SubnetIds"):
        group.shown |= _subnets(state, params)
    if (description := params.get("CacheSubnetGroupDescription")) is not None:
        group.shown["CacheSubnetGroupDescription"] = description
    return {"CacheSubnetGroup": group.shown}


def delete_cache_subnet_group(state: State, params: Params) -> dict[str, Any]:
    """Delete a subnet group, unless a replication group uses it."""
    name = state.subnet_groups.find(params["CacheSubnetGroupName"]).shown["CacheSubnetGroupName"]
    if any(user.subnet_group == name for user in state.groups.values()):
        raise AwsError(
            "CacheSubnetGroupInUse",
            f"Cache subnet group {name} is currently in use by a cache cluster.",
        )
    del state.subnet_groups[name]
    return {}


def describe_cache_subnet_groups(state: State, params: Params) -> dict[str, Any]:
    """Describe one subnet group, or all."""
    groups = state.subnet_groups.named(params.get("CacheSubnetGroupName"))
    return wire.page([group.shown for group in groups], "CacheSubnetGroups", params)


def _subnets(state: State, params: Params) -> dict[str, Any]:
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
    shown = [
        {"SubnetIdentifier": subnet.id, "SubnetAvailabilityZone": {"Name": subnet.zone}}
        for subnet in subnets
    ]
    return {"VpcId": subnets[0].vpc, "Subnets": shown}
