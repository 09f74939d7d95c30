"""Security groups, subnets and endpoints: from the templates, and from CDK's look-ups."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aws_rules.problem import CannotBeJudged
from emulator.iam.endpoint_names import is_own
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
    """What a rule lets through: TCP ports, and the address range or security group at its end."""

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
    route_table: str
    has_acl: bool = False


@dataclass(frozen=True)
class Endpoint:
    """A VPC endpoint; `service` is the last part of its service's name, `policy` its document.

    `name` is how a finding calls it, `own_names` are those by which it is reached without private
    DNS.
    """

    name: str
    service: str
    vpc: str
    gateway: bool
    private_dns: bool
    groups: tuple[str, ...]
    subnets: tuple[str, ...]
    route_tables: tuple[str, ...]
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
    groups = {**dict(_looked_up_groups(deployment, context)), **dict(_groups(deployment))}
    subnets = {**dict(_looked_up_subnets(context)), **dict(_subnets(deployment))}
    return Network(groups, subnets, tuple(_endpoints(deployment)))


def _groups(deployment: Deployment) -> Iterator[tuple[str, SecurityGroup]]:
    for found in deployment.of_kind("AWS::EC2::SecurityGroup"):
        name = deployment.id(found)
        ingress = [
            *deployment.get(found, "SecurityGroupIngress", []),
            *_apart(deployment, name, "Ingress"),
        ]
        egress = [
            *deployment.get(found, "SecurityGroupEgress", []),
            *_apart(deployment, name, "Egress"),
        ]
        # EC2 lets everything out of a group for which no rule at all was written.
        out = _rules(egress or [{"IpProtocol": "-1", "CidrIp": ANYWHERE}])
        yield name, SecurityGroup(name, str(found), tuple(_rules(ingress)), tuple(out))


def _looked_up_groups(
    deployment: Deployment, context: Mapping[str, Any]
) -> Iterator[tuple[str, SecurityGroup]]:
    for key, found in context.items():
        if key.startswith("security-group:"):
            name = found["securityGroupId"]
            out = (Rule(*EVERY_PORT, ANYWHERE),) if found["allowAllOutbound"] else ()
            yield (
                name,
                SecurityGroup(
                    name,
                    f"{name}, which is in no template",
                    tuple(_rules(_apart(deployment, name, "Ingress"))),
                    (*out, *_rules(_apart(deployment, name, "Egress"))),
                ),
            )


def _apart(deployment: Deployment, group: str, direction: str) -> list[Mapping[str, Any]]:
    """The rules of a group that are resources of their own."""
    return [
        deployment.resolve(found.stack, found.raw)
        for found in deployment.of_kind(f"AWS::EC2::SecurityGroup{direction}")
        if deployment.get(found, "GroupId") == group
    ]


def _rules(rules: list[Mapping[str, Any]]) -> Iterator[Rule]:
    for rule in rules:
        peer = next(str(rule[key]) for key in _PEERS if key in rule)
        protocol = str(rule["IpProtocol"])
        if protocol == "-1":
            yield Rule(*EVERY_PORT, peer)
        elif protocol in ("tcp", "6"):
            yield Rule(int(rule["FromPort"]), int(rule["ToPort"]), peer)


def _subnets(deployment: Deployment) -> Iterator[tuple[str, Subnet]]:
    tables = {
        deployment.get(found, "SubnetId"): deployment.get(found, "RouteTableId")
        for found in deployment.of_kind("AWS::EC2::SubnetRouteTableAssociation")
    }
    with_nat = {
        deployment.get(found, "RouteTableId")
        for found in deployment.of_kind("AWS::EC2::Route")
        if found.raw.get("DestinationCidrBlock") == ANYWHERE and "NatGatewayId" in found.raw
    }
    with_acl = {
        deployment.get(found, "SubnetId")
        for found in deployment.of_kind("AWS::EC2::SubnetNetworkAclAssociation")
    }
    for found in deployment.of_kind("AWS::EC2::Subnet"):
        name = deployment.id(found)
        table = tables.get(name, "")
        yield (
            name,
            Subnet(
                name,
                deployment.get(found, "VpcId"),
                deployment.get(found, "CidrBlock"),
                table in with_nat,
                table,
                name in with_acl,
            ),
        )


def _looked_up_subnets(context: Mapping[str, Any]) -> Iterator[tuple[str, Subnet]]:
    for key, vpc in context.items():
        if not key.startswith("vpc-provider:"):
            continue
        for group in vpc["subnetGroups"]:
            for found in group["subnets"]:
                name = found["subnetId"]
                # CDK calls a subnet private when it routes out, but not by an internet gateway.
                out = group["type"] == "Private"
                yield (
                    name,
                    Subnet(name, vpc["vpcId"], found["cidr"], out, found["routeTableId"]),
                )


def _endpoints(deployment: Deployment) -> Iterator[Endpoint]:
    for found in deployment.of_kind("AWS::EC2::VPCEndpoint"):
        gateway = deployment.get(found, "VpcEndpointType", "Gateway") == "Gateway"
        private_dns = deployment.get(found, "PrivateDnsEnabled", False if gateway else None)
        if private_dns is None:
            # CloudFormation's schema says false, EC2's API reference true.
            raise CannotBeJudged(f"{found} does not say whether PrivateDnsEnabled is true or false")
        entries = deployment.attribute(found, "DnsEntries")
        names = [entry.rpartition(":")[2] for entry in entries]
        yield Endpoint(
            f"endpoint {found}",
            str(deployment.get(found, "ServiceName")).rpartition(".")[2],
            deployment.get(found, "VpcId"),
            gateway,
            private_dns,
            tuple(deployment.get(found, "SecurityGroupIds", [])),
            tuple(deployment.get(found, "SubnetIds", [])),
            tuple(deployment.get(found, "RouteTableIds", [])),
            () if gateway else tuple(filter(is_own, names)),
            deployment.get(found, "PolicyDocument"),
        )
