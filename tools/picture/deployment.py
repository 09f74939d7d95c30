"""What the picture shows, as the templates say it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from tools.assembly import Document, Stack
from tools.command import Answer

GROUP = "AWS::ElastiCache::ReplicationGroup"


class Subnet(NamedTuple):
    """A private subnet; ``cidr`` is empty where neither the template nor the context tells it."""

    zone: str
    cidr: str


class Source(NamedTuple):
    """Somebody whose security group may connect."""

    name: str
    security_group: str


@dataclass(frozen=True, slots=True)
class Deployment:
    """One environment: its stacks, and what is read of more than one resource.

    ``group`` and ``parameters`` are properties of templates. ``shards`` holds the names of each
    shard's members, the first a primary. ``vpc`` is its name, and its CIDR if that is known.
    """

    environment: str
    account: str
    region: str
    data: Stack
    monitoring: Stack
    group: Document
    parameters: Document
    shards: list[list[str]]
    vpc: str
    cidr: str
    security_group: str
    subnet_group: str
    subnets: list[Subnet]
    sources: list[Source]

    @property
    def clustered(self) -> bool:
        """Whether cluster mode is on."""
        return "NumNodeGroups" in self.group


def deployment(
    stacks: dict[str, Stack], context: Document, environment: str = "production"
) -> Deployment:
    """One environment of an assembly; ``context`` is cdk.context.json, for zones and CIDRs.

    Raises Answer if the environment's two stacks are not among ``stacks``.
    """
    try:
        data, monitoring = (
            stacks[f"vibewell-redis-{environment}-{part}"] for part in ("data", "monitoring")
        )
    except KeyError as missing:
        raise Answer(
            f"there is no stack {missing.args[0]}: make synth ENV={environment} writes it"
        ) from None
    if not data.of_type("AWS::ElastiCache::ReplicationGroup"):
        raise Answer(
            f"{data.name} makes no replication group: its own belongs to somebody else "
            "(docs/start/adoption.md), and only what a template makes is drawn"
        )
    account, region = data.artifact["environment"].removeprefix("aws://").split("/")
    group = data.only(GROUP)
    subnet_group = data.only("AWS::ElastiCache::SubnetGroup")
    security_group = data.of_type("AWS::EC2::SecurityGroup")[target(group["SecurityGroupIds"][0])]
    vpc, cidr = _vpc(data, target(security_group["VpcId"]), context)
    known = _subnets(data, context)
    return Deployment(
        environment=environment,
        account=account,
        region=region,
        data=data,
        monitoring=monitoring,
        group=group,
        parameters=data.only("AWS::ElastiCache::ParameterGroup")["Properties"],
        shards=_shards(group),
        vpc=vpc,
        cidr=cidr,
        security_group=security_group["GroupName"],
        subnet_group=subnet_group["CacheSubnetGroupName"],
        subnets=[
            known.get(target(subnet), Subnet(f"zone {number}", ""))
            for number, subnet in enumerate(subnet_group["SubnetIds"], start=1)
        ],
        sources=_sources(data, group, security_group),
    )


def target(value: Any) -> str:
    """The logical id that a Ref, Fn::GetAtt or Fn::Join of one of them names; a string is itself.

    ValueError for anything else.
    """
    match value:
        case str():
            return value
        case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), *_]}:
            return name
        case {"Fn::Join": [_, list(parts)]}:
            (name,) = (target(part) for part in parts if isinstance(part, dict))
            return name
    raise ValueError(f"a reference of a kind that the picture does not know: {value!r}")


def _shards(group: Document) -> list[list[str]]:
    """Member names as ElastiCache gives them: with cluster mode they carry the shard's number."""
    name = group["ReplicationGroupId"]
    if "NumNodeGroups" not in group:
        return [[f"{name}-{node:03}" for node in range(1, group["NumCacheClusters"] + 1)]]
    return [
        [f"{name}-{shard:04}-{node:03}" for node in range(1, group["ReplicasPerNodeGroup"] + 2)]
        for shard in range(1, group["NumNodeGroups"] + 1)
    ]


def _sources(data: Stack, group: Document, security_group: Document) -> list[Source]:
    """Every security group that may reach the group's port, the application last."""
    groups = data.of_type("AWS::EC2::SecurityGroup")
    redis = target(group["SecurityGroupIds"][0])
    rules = [
        rule
        for rule in data.of_type("AWS::EC2::SecurityGroupIngress").values()
        if target(rule["GroupId"]) == redis
    ]
    result = []
    for rule in rules + security_group.get("SecurityGroupIngress", []):
        if rule["FromPort"] <= group["Port"] <= rule["ToPort"]:
            origin = target(rule.get("SourceSecurityGroupId") or rule.get("CidrIp") or "anybody")
            shown = groups.get(origin, {}).get("GroupName", origin)
            result.append(Source(rule.get("Description", origin), shown))
    return sorted(result, key=lambda source: "application" in source.name.lower())


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
    found = {
        subnet["subnetId"]: Subnet(subnet["availabilityZone"], subnet.get("cidr", ""))
        for _, vpc in _looked_up(context)
        for tier in vpc["subnetGroups"]
        for subnet in tier["subnets"]
    }
    return found | {
        name: Subnet(subnet["AvailabilityZone"], subnet["CidrBlock"])
        for name, subnet in data.of_type("AWS::EC2::Subnet").items()
    }


def _looked_up(context: Document) -> Iterator[tuple[str, Document]]:
    return ((key, vpc) for key, vpc in context.items() if key.startswith("vpc-provider:"))
