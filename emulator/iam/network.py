"""Paths through a network: security groups, subnets, endpoints and NAT, one after the other.

A deployment's network is read from its templates and from CDK's look-ups. The network of the whole
account is read from EC2, for the paths of other workloads before and after a deployment of ours.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from typing import Any

from aws_rules.iam import CannotBeJudged
from emulator.iam.endpoint_names import is_own, regional
from emulator.iam.template import Deployment

ANYWHERE = "0.0.0.0/0"

EVERY_PORT = (0, 65535)
_PEERS = (
    "CidrIp",
    "CidrIpv6",
    "SourceSecurityGroupId",
    "DestinationSecurityGroupId",
    "SourcePrefixListId",
    "DestinationPrefixListId",
)


@dataclass(frozen=True)
class Rule:
    """A rule: the TCP ports, and the address range or security group at its other end."""

    low: int
    high: int
    peer: str


@dataclass(frozen=True)
class SecurityGroup:
    """`name` is how a finding calls it."""

    id: str
    name: str
    ingress: tuple[Rule, ...] = ()
    egress: tuple[Rule, ...] = ()
    vpc: str = ""  # known of a group that was found in the account


@dataclass(frozen=True)
class Subnet:
    """`internet`: whether a function in it gets out, which takes NAT: it has no public address."""

    id: str
    vpc: str
    cidr: str
    internet: bool
    has_acl: bool = False


@dataclass(frozen=True)
class Endpoint:
    """An interface endpoint; `service` is the last part of its service's name.

    `name` is how a finding calls it, `own_names` are those by which it is reached without private
    DNS.
    """

    name: str
    service: str
    vpc: str
    private_dns: bool
    groups: tuple[str, ...]
    subnets: tuple[str, ...]
    own_names: tuple[str, ...] = ()
    policy: Any = None


@dataclass(frozen=True)
class Network:
    """Everything by its id."""

    groups: Mapping[str, SecurityGroup]
    subnets: Mapping[str, Subnet]
    endpoints: tuple[Endpoint, ...]


def read(deployment: Deployment, context: Mapping[str, Any]) -> Network:
    """The network of a deployment; `context` is cdk.context.json, what CDK found in the account."""
    return Network(
        {group.id: group for group in _groups(deployment, context)},
        {subnet.id: subnet for subnet in _subnets(deployment, context)},
        tuple(_endpoints(deployment)),
    )


_EVERYTHING = {"IpProtocol": "-1", "CidrIp": ANYWHERE}


def _groups(deployment: Deployment, context: Mapping[str, Any]) -> Iterator[SecurityGroup]:
    for key, look_up in context.items():
        if key.startswith("security-group:"):
            name = look_up["securityGroupId"]
            out = [_EVERYTHING] if look_up["allowAllOutbound"] else []
            ingress, egress = (_apart(deployment, name, way) for way in ("Ingress", "Egress"))
            title = f"{name}, which is in no template"
            yield SecurityGroup(name, title, _rules(ingress), _rules([*out, *egress]))
    for group in deployment.of_kind("AWS::EC2::SecurityGroup"):
        name = deployment.id(group)
        ingress, egress = (
            [*deployment.get(group, f"SecurityGroup{way}", []), *_apart(deployment, name, way)]
            for way in ("Ingress", "Egress")
        )
        # EC2 lets everything out of a group for which no rule at all was written.
        yield SecurityGroup(name, str(group), _rules(ingress), _rules(egress or [_EVERYTHING]))


def _apart(deployment: Deployment, group: str, direction: str) -> list[Mapping[str, Any]]:
    """The rules of a group that are resources of their own."""
    return [
        deployment.resolve(rule.stack, rule.raw)
        for rule in deployment.of_kind(f"AWS::EC2::SecurityGroup{direction}")
        if deployment.get(rule, "GroupId") == group
    ]


def _rules(rules: Iterable[Mapping[str, Any]]) -> tuple[Rule, ...]:
    read: list[Rule] = []
    for rule in rules:
        peer = next(str(rule[key]) for key in _PEERS if key in rule)
        protocol = str(rule["IpProtocol"])
        if protocol == "-1":
            read.append(Rule(*EVERY_PORT, peer))
        elif protocol in ("tcp", "6"):
            read.append(Rule(int(rule["FromPort"]), int(rule["ToPort"]), peer))
    return tuple(read)


def _subnets(deployment: Deployment, context: Mapping[str, Any]) -> Iterator[Subnet]:
    for key, vpc in context.items():
        for group in vpc["subnetGroups"] if key.startswith("vpc-provider:") else ():
            # CDK calls a subnet private when it routes out, but not by an internet gateway.
            out = group["type"] == "Private"
            for subnet in group["subnets"]:
                yield Subnet(subnet["subnetId"], vpc["vpcId"], subnet["cidr"], out)
    tables = {
        deployment.get(declared, "SubnetId"): deployment.get(declared, "RouteTableId")
        for declared in deployment.of_kind("AWS::EC2::SubnetRouteTableAssociation")
    }
    with_nat = {
        deployment.get(declared, "RouteTableId")
        for declared in deployment.of_kind("AWS::EC2::Route")
        if declared.raw.get("DestinationCidrBlock") == ANYWHERE and "NatGatewayId" in declared.raw
    }
    with_acl = {
        deployment.get(declared, "SubnetId")
        for declared in deployment.of_kind("AWS::EC2::SubnetNetworkAclAssociation")
    }
    for declared in deployment.of_kind("AWS::EC2::Subnet"):
        name = deployment.id(declared)
        vpc, cidr = (deployment.get(declared, key) for key in ("VpcId", "CidrBlock"))
        yield Subnet(name, vpc, cidr, tables.get(name, "") in with_nat, name in with_acl)


def _endpoints(deployment: Deployment) -> Iterator[Endpoint]:
    for endpoint in deployment.of_kind("AWS::EC2::VPCEndpoint"):
        if deployment.get(endpoint, "VpcEndpointType", "Gateway") != "Interface":
            continue  # nothing that our functions call has one
        private_dns = deployment.get(endpoint, "PrivateDnsEnabled")
        if private_dns is None:
            # CloudFormation's schema says false, EC2's API reference true.
            raise CannotBeJudged(
                f"{endpoint} does not say whether PrivateDnsEnabled is true or false"
            )
        entries = deployment.attribute(endpoint, "DnsEntries")
        yield _endpoint(
            str(endpoint),
            {key: deployment.get(endpoint, key) for key in _ALIKE},
            groups=deployment.get(endpoint, "SecurityGroupIds", []),
            names=[entry.rpartition(":")[2] for entry in entries],
        )


# What a template and DescribeVpcEndpoints spell alike.
_ALIKE = ("PolicyDocument", "PrivateDnsEnabled", "ServiceName", "SubnetIds", "VpcId")


def _endpoint(
    name: str, described: Mapping[str, Any], *, groups: Iterable[str], names: Iterable[str]
) -> Endpoint:
    return Endpoint(
        f"endpoint {name}",
        described["ServiceName"].rpartition(".")[2],
        described["VpcId"],
        described["PrivateDnsEnabled"],
        tuple(groups),
        tuple(described.get("SubnetIds") or ()),
        tuple(filter(is_own, names)),
        described.get("PolicyDocument"),
    )


# Where EC2 has the other ends of a permission, and what a template calls them.
_RANGES = {
    "IpRanges": ("CidrIp", "CidrIp"),
    "Ipv6Ranges": ("CidrIpv6", "CidrIpv6"),
    "UserIdGroupPairs": ("GroupId", "SourceSecurityGroupId"),
}


def read_account(ec2: Any) -> Network:
    """Every group, subnet and endpoint of all VPCs. ``ec2`` is a client of the account."""
    return Network(
        {
            group["GroupId"]: SecurityGroup(
                group["GroupId"],
                group["GroupName"],
                _rules(_single(group["IpPermissions"])),
                _rules(_single(group["IpPermissionsEgress"])),
                group["VpcId"],
            )
            for group in ec2.describe_security_groups()["SecurityGroups"]
        },
        {subnet.id: subnet for subnet in _subnets_of_account(ec2)},
        tuple(
            _endpoint(
                endpoint["VpcEndpointId"],
                endpoint,
                groups=[group["GroupId"] for group in endpoint.get("Groups", [])],
                names=[entry["DnsName"] for entry in endpoint.get("DnsEntries", [])],
            )
            for endpoint in ec2.describe_vpc_endpoints()["VpcEndpoints"]
            if endpoint["VpcEndpointType"] == "Interface"
        ),
    )


def _single(permissions: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """The rules of EC2's permissions as a template has them: each with one other end."""
    for permission in permissions:
        for kind, (name, key) in _RANGES.items():
            for peer in permission.get(kind, []):
                yield {**permission, key: peer[name]}


def _subnets_of_account(ec2: Any) -> list[Subnet]:
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


HTTPS = 443

# Where the name of a service's endpoint is not the prefix of its actions.
_ENDPOINT_NAMES = {"cloudwatch": "monitoring"}


@dataclass(frozen=True)
class Place:
    """A place in a VPC: the ids of security groups and subnets.

    `addresses` are the hosts by which it calls services; it calls all others by their own names.
    """

    groups: tuple[str, ...]
    subnets: tuple[str, ...]
    addresses: Mapping[str, str] = field(default_factory=dict)


class Paths:
    """The ways through one network."""

    def __init__(self, network: Network, region: str) -> None:
        self._network = network
        self._region = region

    def endpoint(self, place: Place, service: str) -> Endpoint | None:
        """The endpoint that a service's calls take: the one whose name they use.

        By the service's public name that is one with private DNS, which takes the name over for
        everybody in the VPC.
        """
        name = _ENDPOINT_NAMES.get(service, service)
        endpoints = [
            endpoint
            for endpoint in self._network.endpoints
            if endpoint.service == name and endpoint.vpc == self._vpc(place)
        ]
        address = place.addresses.get(service)
        if address:
            return next((each for each in endpoints if address in each.own_names), None)
        return next((each for each in endpoints if each.private_dns), None)

    def obstacle_to_service(self, place: Place, service: str) -> str | None:
        """The obstacle between a function and a service's API, and what to add, if any."""
        endpoint = self.endpoint(place, service)
        address = place.addresses.get(service)
        if address and endpoint is None:
            return f"its environment names {address}, which is no endpoint of {self._vpc(place)}"
        if address and endpoint and address != regional(endpoint.own_names):
            return (
                f"its environment names {address}, which is lost with its zone; name "
                f"{endpoint.name} as a whole: {regional(endpoint.own_names)}"
            )
        if endpoint is not None:
            target = Place(endpoint.groups, endpoint.subnets)
            return self.obstacle_between(place, target, HTTPS, endpoint.name)
        name = f"com.amazonaws.{self._region}.{_ENDPOINT_NAMES.get(service, service)}"
        if not all(s.internet for s in self._subnets(place.subnets)):
            return (
                f"its subnets have no way out and {self._vpc(place)} has no endpoint for {name}; "
                "add an interface endpoint whose security group lets the function in on port "
                f"{HTTPS} to the stack of that VPC, and its name to the function's environment"
            )
        if not any(rule.peer == ANYWHERE for rule in self._rules(place, HTTPS, "egress")):
            return self._no_egress(place, HTTPS, f"{name} at its public addresses ({ANYWHERE})")
        return None

    def obstacle_between(self, place: Place, target: Place, port: int, name: str) -> str | None:
        """The obstacle between a function and `target`, called `name` in findings, if any."""
        here, there = self._vpc(place), self._vpc(target)
        if here != there:
            return f"it is in {here} and {name} is in {there}; put both into one VPC"
        out, into = self._rules(place, port, "egress"), self._rules(target, port, "ingress")
        if not _any_leads_to(target, out, self._subnets(target.subnets)):
            return self._no_egress(place, port, name)
        if not _any_leads_to(place, into, self._subnets(place.subnets)):
            return (
                f"security group {self._names(target.groups)} of {name} has no ingress rule for "
                f"port {port} from security group {self._names(place.groups)}; add an "
                "AWS::EC2::SecurityGroupIngress for it"
            )
        return None

    def _no_egress(self, place: Place, port: int, name: str) -> str:
        return (
            f"its security group {self._names(place.groups)} has no egress rule for port {port} "
            f"to {name}; add an AWS::EC2::SecurityGroupEgress for it"
        )

    def _rules(self, place: Place, port: int, direction: str) -> list[Rule]:
        groups = [self._network.groups[g] for g in place.groups if g in self._network.groups]
        rules = [rule for group in groups for rule in getattr(group, direction)]
        return [rule for rule in rules if rule.low <= port <= rule.high]

    def _subnets(self, ids: Iterable[str]) -> list[Subnet]:
        subnets: list[Subnet] = []
        for name in ids:
            subnet = self._network.subnets.get(name)
            if subnet is None:
                raise CannotBeJudged(f"neither a template nor cdk.context.json has subnet {name}")
            if subnet.has_acl:
                raise CannotBeJudged(f"subnet {name} has a network ACL: not modelled")
            subnets.append(subnet)
        return subnets

    def _vpc(self, place: Place) -> str:
        vpcs = {subnet.vpc for subnet in self._subnets(place.subnets)}
        if len(vpcs) != 1:
            raise CannotBeJudged(f"the subnets {', '.join(place.subnets)} are not of one VPC")
        return vpcs.pop()

    def _names(self, groups: Iterable[str]) -> str:
        known = self._network.groups
        names = (known[g].name if g in known else f"{g}, of no template" for g in groups)
        return " and ".join(names) or "(none)"


def _any_leads_to(place: Place, rules: Iterable[Rule], subnets: list[Subnet]) -> bool:
    """Whether a rule names one of the place's groups, or a range with all of its subnets in it."""
    return any(rule.peer in place.groups or _covers(rule.peer, subnets) for rule in rules)


def _covers(peer: str, subnets: list[Subnet]) -> bool:
    return (
        "/" in peer
        and ":" not in peer
        and all(IPv4Network(s.cidr).subnet_of(IPv4Network(peer)) for s in subnets)
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
