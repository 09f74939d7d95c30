"""The group's network and who may reach it."""

from collections.abc import Iterator
from dataclasses import dataclass

from tools.assembly import Document, Stack
from tools.picture.references import target


@dataclass(frozen=True, slots=True)
class Subnet:
    """A private subnet; ``cidr`` is empty where neither the template nor the context tells it."""

    zone: str
    cidr: str


@dataclass(frozen=True, slots=True)
class Network:
    """The VPC, its CIDR if known, and the security and subnet group of Redis."""

    vpc: str
    cidr: str
    security_group: str
    subnet_group: str
    subnets: list[Subnet]


@dataclass(frozen=True, slots=True)
class Source:
    """Somebody whose security group may connect."""

    name: str
    security_group: str


def network(data: Stack, context: Document) -> Network:
    """The network of a data stack; what the template only refers to is looked up in ``context``."""
    _, security_group = _own_security_group(data)
    subnet_group = data.only("AWS::ElastiCache::SubnetGroup")
    vpc = target(security_group["VpcId"])
    name, cidr = _vpc(data, vpc, context)
    known = _subnets(data, context)
    return Network(
        vpc=name,
        cidr=cidr,
        security_group=security_group["GroupName"],
        subnet_group=subnet_group["CacheSubnetGroupName"],
        subnets=[
            known.get(target(subnet), Subnet(f"zone {number}", ""))
            for number, subnet in enumerate(subnet_group["SubnetIds"], start=1)
        ],
    )


def sources(data: Stack, port: int) -> list[Source]:
    """Every security group that may reach ``port`` of the group, the application last."""
    redis, properties = _own_security_group(data)
    groups = data.of_type("AWS::EC2::SecurityGroup")
    rules = [
        rule
        for rule in data.of_type("AWS::EC2::SecurityGroupIngress").values()
        if target(rule["GroupId"]) == redis
    ] + properties.get("SecurityGroupIngress", [])
    result = []
    for rule in rules:
        if rule["FromPort"] <= port <= rule["ToPort"]:
            origin = target(rule.get("SourceSecurityGroupId") or rule.get("CidrIp") or "anybody")
            shown = groups.get(origin, {}).get("GroupName", origin)
            result.append(Source(rule.get("Description", origin), shown))
    return sorted(result, key=lambda source: "application" in source.name.lower())


def _own_security_group(data: Stack) -> tuple[str, Document]:
    group = data.only("AWS::ElastiCache::ReplicationGroup")
    name = target(group["SecurityGroupIds"][0])
    return name, data.of_type("AWS::EC2::SecurityGroup")[name]


def _vpc(data: Stack, vpc: str, context: Document) -> tuple[str, str]:
    if made := data.of_type("AWS::EC2::VPC").get(vpc):
        names = [tag["Value"] for tag in made.get("Tags", []) if tag["Key"] == "Name"]
        return next(iter(names), vpc), made["CidrBlock"]
    for key, known in _looked_up(context):
        if known["vpcId"] == vpc:
            name = key.partition("filter.tag:Name=")[2].partition(":")[0]
            return name or vpc, known.get("vpcCidrBlock", "")
    return vpc, ""


def _subnets(data: Stack, context: Document) -> dict[str, Subnet]:
    made = {
        name: Subnet(subnet["AvailabilityZone"], subnet["CidrBlock"])
        for name, subnet in data.of_type("AWS::EC2::Subnet").items()
    }
    found = {
        subnet["subnetId"]: Subnet(subnet["availabilityZone"], subnet.get("cidr", ""))
        for _, vpc in _looked_up(context)
        for tier in vpc["subnetGroups"]
        for subnet in tier["subnets"]
    }
    return found | made


def _looked_up(context: Document) -> Iterator[tuple[str, Document]]:
    return ((key, vpc) for key, vpc in context.items() if key.startswith("vpc-provider:"))
