"""The network that an account has, whoever made it: asked of EC2."""

from typing import Any

from emulator.iam.endpoint_names import is_own
from emulator.iam.network import (
    ANYWHERE,
    EVERY_PORT,
    Endpoint,
    Network,
    Rule,
    SecurityGroup,
    Subnet,
)

_PEERS = {"IpRanges": "CidrIp", "Ipv6Ranges": "CidrIpv6", "UserIdGroupPairs": "GroupId"}


def found(ec2: Any) -> Network:
    """Every group, subnet and endpoint of all VPCs. ``ec2`` is a client of the account."""
    groups = ec2.describe_security_groups()["SecurityGroups"]
    endpoints = ec2.describe_vpc_endpoints()["VpcEndpoints"]
    subnets = _subnets(ec2)
    return Network(
        {one["GroupId"]: _group(one) for one in groups},
        {one.id: one for one in subnets},
        tuple(map(_endpoint, endpoints)),
    )


def _group(one: dict[str, Any]) -> SecurityGroup:
    ingress, egress = (
        tuple(rule for permission in one[key] for rule in _rules(permission))
        for key in ("IpPermissions", "IpPermissionsEgress")
    )
    return SecurityGroup(one["GroupId"], one["GroupName"], ingress, egress, one["VpcId"])


def _rules(permission: dict[str, Any]) -> list[Rule]:
    if permission["IpProtocol"] not in ("-1", "tcp", "6"):
        return []
    low, high = EVERY_PORT
    if permission["IpProtocol"] != "-1":
        low, high = permission["FromPort"], permission["ToPort"]
    return [
        Rule(low, high, peer[name])
        for kind, name in _PEERS.items()
        for peer in permission.get(kind, [])
    ]


def _subnets(ec2: Any) -> list[Subnet]:
    tables = {
        association.get("SubnetId", table["VpcId"]): table
        for table in ec2.describe_route_tables()["RouteTables"]
        for association in table["Associations"]
    }
    closed = {
        association["SubnetId"]
        for acl in ec2.describe_network_acls()["NetworkAcls"]
        if not acl["IsDefault"]
        for association in acl["Associations"]
    }
    return [
        Subnet(
            one["SubnetId"],
            one["VpcId"],
            one["CidrBlock"],
            any(route.get("DestinationCidrBlock") == ANYWHERE for route in table["Routes"]),
            table["RouteTableId"],
            one["SubnetId"] in closed,
        )
        for one in ec2.describe_subnets()["Subnets"]
        # A subnet without a table of its own has its VPC's.
        for table in [tables.get(one["SubnetId"]) or tables[one["VpcId"]]]
    ]


def _endpoint(one: dict[str, Any]) -> Endpoint:
    names = [entry["DnsName"] for entry in one.get("DnsEntries", [])]
    return Endpoint(
        f"endpoint {one['VpcEndpointId']}",
        one["ServiceName"].rpartition(".")[2],
        one["VpcId"],
        one["VpcEndpointType"] == "Gateway",
        one["PrivateDnsEnabled"],
        tuple(group["GroupId"] for group in one.get("Groups", [])),
        tuple(one.get("SubnetIds", [])),
        tuple(one.get("RouteTableIds", [])),
        tuple(filter(is_own, names)),
        one.get("PolicyDocument"),
    )
