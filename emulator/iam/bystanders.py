"""Paths of other workloads to AWS services, before and after a deployment of ours.

The network of the whole account is read from EC2.
"""

from collections.abc import Iterable
from typing import Any

from emulator.iam.endpoint_names import is_own
from emulator.iam.network import (
    ANYWHERE,
    EVERY_PORT,
    Endpoint,
    Network,
    Paths,
    Place,
    Rule,
    SecurityGroup,
    Subnet,
)

# By routes and security groups alone: a service without an endpoint in any deployment here.
_ANY_SERVICE = "sts"


def lost(
    before: Network, after: Network, groups: Iterable[SecurityGroup], region: str
) -> list[str]:
    """A sentence for each service that a group reached by its public name before, and not after.

    Asked for every subnet of the group's VPC, and every service that has an endpoint somewhere.
    """
    sentences: dict[str, None] = {}
    was, becomes = Paths(before, region), Paths(after, region)
    services = {endpoint.service for endpoint in (*before.endpoints, *after.endpoints)} | {
        _ANY_SERVICE
    }
    for group in groups:
        for subnet in before.subnets.values():
            place = Place((group.id,), (subnet.id,))
            for service in sorted(services) if subnet.vpc == group.vpc else ():
                if was.obstacle_to_service(place, service) is None:
                    obstacle = becomes.obstacle_to_service(place, service)
                    old, new = was.endpoint(place, service), becomes.endpoint(place, service)
                    if new and new.policy not in (None, old and old.policy):
                        obstacle = f"the policy of {new.name} may refuse what was allowed"
                    if obstacle:
                        name = f"{group.name} ({group.id})"
                        sentences[f"{name} can no longer reach {service}: {obstacle}"] = None
    return list(sentences)


_PEERS = {"IpRanges": "CidrIp", "Ipv6Ranges": "CidrIpv6", "UserIdGroupPairs": "GroupId"}


def read_account(ec2: Any) -> Network:
    """Every group, subnet and endpoint of all VPCs. ``ec2`` is a client of the account."""
    groups = ec2.describe_security_groups()["SecurityGroups"]
    endpoints = ec2.describe_vpc_endpoints()["VpcEndpoints"]
    subnets = _subnets(ec2)
    return Network(
        {described["GroupId"]: _group(described) for described in groups},
        {described.id: described for described in subnets},
        tuple(
            _endpoint(described)
            for described in endpoints
            if described["VpcEndpointType"] == "Interface"
        ),
    )


def _group(group: dict[str, Any]) -> SecurityGroup:
    ingress, egress = (
        tuple(rule for permission in group[key] for rule in _rules(permission))
        for key in ("IpPermissions", "IpPermissionsEgress")
    )
    return SecurityGroup(group["GroupId"], group["GroupName"], ingress, egress, group["VpcId"])


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
            subnet["SubnetId"],
            subnet["VpcId"],
            subnet["CidrBlock"],
            any(route.get("DestinationCidrBlock") == ANYWHERE for route in table["Routes"]),
            subnet["SubnetId"] in closed,
        )
        for subnet in ec2.describe_subnets()["Subnets"]
        # A subnet without a table of its own has its VPC's.
        for table in [tables.get(subnet["SubnetId"]) or tables[subnet["VpcId"]]]
    ]


def _endpoint(endpoint: dict[str, Any]) -> Endpoint:
    names = [entry["DnsName"] for entry in endpoint.get("DnsEntries", [])]
    return Endpoint(
        f"endpoint {endpoint['VpcEndpointId']}",
        endpoint["ServiceName"].rpartition(".")[2],
        endpoint["VpcId"],
        endpoint["PrivateDnsEnabled"],
        tuple(group["GroupId"] for group in endpoint.get("Groups", [])),
        tuple(endpoint.get("SubnetIds", [])),
        tuple(filter(is_own, names)),
        endpoint.get("PolicyDocument"),
    )
