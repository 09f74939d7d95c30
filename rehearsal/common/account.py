"""What an account has before the first deployment, and profiles of accounts that are not empty.

Of a profile every obstacle is there before the first deployment, preflight names it with its
remedy, and the remedy is taken; then the deployment goes through. No resource here has a tag of
the CDK's: the look-ups must find what another tool, or a person, made.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from emulator.clean_environment import ACCOUNT, REGION
from rehearsal.common import commands
from rehearsal.common.checkout import PAGERDUTY_ADDRESS, PAGERDUTY_SECRET
from rehearsal.common.deployed import create_group, settled
from rehearsal.common.errors import expect_that
from rehearsal.common.rehearsal import Clients, Rehearsal

_ZONES = ("a", "b", "c")


def make_surroundings(
    aws: Clients,
    *,
    vpc_name: str,
    application_group: str,
    isolated: bool = False,
    per_zone: int = 1,
) -> str:
    """Make them and return the VPC's id; isolated subnets have no way out.

    ``per_zone`` is how many private subnets each zone has.
    """
    ec2 = aws("ec2")
    vpc: str = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    _name(ec2, vpc, vpc_name)
    # Off by default outside the console's wizard. Earlier releases need it on.
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    public = [
        _subnet(ec2, vpc, zone, f"10.0.{number}.0/24", f"{vpc_name}-public-{zone}")
        for number, zone in enumerate(_ZONES)
    ]
    private = [
        _subnet(ec2, vpc, zone, f"10.0.{100 + number}.0/24", f"{vpc_name}-private-{zone}")
        for number, zone in enumerate(_ZONES * per_zone)
    ]
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    nat = ec2.create_nat_gateway(SubnetId=public[0], AllocationId=address)["NatGateway"]
    _route(ec2, vpc, f"{vpc_name}-public", public, GatewayId=gateway)
    if not isolated:
        _route(ec2, vpc, f"{vpc_name}-private", private, NatGatewayId=nat["NatGatewayId"])
    for group, description in (
        (application_group, "Application servers"),
        ("neighbour", "Another workload"),
    ):
        ec2.create_security_group(GroupName=group, Description=description, VpcId=vpc)
    return vpc


def make_secret(aws: Clients) -> None:
    """The secret with PagerDuty's address."""
    aws("secretsmanager").create_secret(
        Name=PAGERDUTY_SECRET,
        SecretString=json.dumps({"integration_url": PAGERDUTY_ADDRESS}),
    )


def _subnet(ec2: Any, vpc: str, zone: str, cidr: str, name: str) -> str:
    made = ec2.create_subnet(VpcId=vpc, CidrBlock=cidr, AvailabilityZone=f"{REGION}{zone}")
    subnet: str = made["Subnet"]["SubnetId"]
    _name(ec2, subnet, name)
    return subnet


def _route(ec2: Any, vpc: str, name: str, subnets: list[str], **target: str) -> None:
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    _name(ec2, table, name)
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", **target)
    for subnet in subnets:
        ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)


def _name(ec2: Any, resource: str, name: str) -> None:
    ec2.create_tags(Resources=[resource], Tags=[{"Key": "Name", "Value": name}])


_HAND_MADE = "vibewell-redis"
_SUBNETS = "vibewell-production-private-subnets"
_GROUP = "vibewell-redis-sg"
_ISSUER = "token.actions.githubusercontent.com"

Work = Callable[[Rehearsal], None]


class Profile(NamedTuple):
    """``furnish`` makes what is there; ``obstacles`` are words of preflight's, and the remedies."""

    furnish: Work = lambda _: None
    obstacles: Mapping[str, Work] = {}
    qualifier: str | None = None
    private_subnets: int = 1  # in each zone
    used: bool = True  # whether ElastiCache has made its role


def remedied(rehearsal: Rehearsal) -> str:
    """Preflight refuses for every obstacle at once, nothing is created, each remedy is taken."""
    profile = PROFILES[rehearsal.account]
    stacks = rehearsal.aws("cloudformation").describe_stacks()["Stacks"]
    if profile.obstacles:
        said = preflight(rehearsal, passes=False)
        missing = [words for words in profile.obstacles if words not in said]
        expect_that(not missing, f"preflight does not say {missing}:\n{said}")
        for remedy in profile.obstacles.values():
            remedy(rehearsal)
        now = rehearsal.aws("cloudformation").describe_stacks()["Stacks"]
        expect_that(len(now) == len(stacks), "preflight, or what it was asked for, made a stack")
        rehearsal.cdk.synth(rehearsal.checkout.name)
    said = preflight(rehearsal, passes=True)
    lines = said.count("\n- ")
    return f"{len(profile.obstacles)} refused and remedied, then {lines} lines without a refusal"


def preflight(rehearsal: Rehearsal, *, passes: bool) -> str:
    """What it prints. RehearsalError if it ends otherwise, or cannot read something."""
    command = commands.module("tools.preflight", rehearsal.checkout.name)
    said = commands.printed(rehearsal, command, fails=not passes)
    expect_that(not passes or "-lookup-role-" in said, f"another role read the account:\n{said}")
    expect_that("not read" not in said, f"make preflight could not read something:\n{said}")
    return said


def _lived_in(rehearsal: Rehearsal) -> None:
    ec2, iam, elasticache = (rehearsal.aws(name) for name in ("ec2", "iam", "elasticache"))
    (vpc,) = (one["VpcId"] for one in ec2.describe_vpcs()["Vpcs"] if one.get("Tags"))
    subnets = [
        one["SubnetId"]
        for one in ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"]
        if "-private-" in json.dumps(one["Tags"]) and one["AvailabilityZone"][-1] in "ab"
    ]
    zones = {
        one["AvailabilityZone"]: one["SubnetId"]
        for one in ec2.describe_subnets(SubnetIds=subnets)["Subnets"]
    }
    shared = ec2.create_security_group(
        GroupName="shared-endpoints", Description="Endpoints of the platform", VpcId=vpc
    )["GroupId"]
    https = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}
    ranges = {"IpRanges": [{"CidrIp": "10.0.0.0/16"}]}
    ec2.authorize_security_group_ingress(GroupId=shared, IpPermissions=[https | ranges])
    for service in ("elasticache", "secretsmanager"):
        ec2.create_vpc_endpoint(
            VpcId=vpc,
            ServiceName=f"com.amazonaws.{REGION}.{service}",
            VpcEndpointType="Interface",
            SubnetIds=list(zones.values()),
            SecurityGroupIds=[shared],
            PrivateDnsEnabled=True,
        )
    # AWS takes this although names that are private need it.
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": False})
    ec2.create_security_group(GroupName=_GROUP, Description="By hand", VpcId=vpc)
    elasticache.create_cache_subnet_group(
        CacheSubnetGroupName=_SUBNETS, CacheSubnetGroupDescription="By hand", SubnetIds=subnets
    )
    create_group(rehearsal, _HAND_MADE, CacheSubnetGroupName=_SUBNETS)
    iam.create_open_id_connect_provider(Url=f"https://{_ISSUER}", ClientIDList=["sts"])
    for number in range(9):  # of the ten that CloudWatch Logs takes
        rehearsal.aws("logs").put_resource_policy(
            policyName=f"others-{number}", policyDocument='{"Statement": []}'
        )
    arn = f"arn:aws:chatbot::{ACCOUNT}:chat-configuration/slack-channel/others"
    there = {"SlackTeamId": "T0REHEARSAL", "SlackChannelId": "C0REHEARSAL"}
    rehearsal.ask(
        "limit",
        channels=json.dumps({arn: there}),
        zones_without=json.dumps({"elasticache": f"{REGION}c"}),
    )


def _qualify(rehearsal: Rehearsal) -> None:
    file = rehearsal.checkout.folder / "cdk.json"
    document = json.loads(file.read_text())
    document["context"]["@aws-cdk/core:bootstrapQualifier"] = "platform"
    file.write_text(json.dumps(document))


def _delete_group(rehearsal: Rehearsal) -> None:
    elasticache = rehearsal.aws("elasticache")
    elasticache.delete_replication_group(ReplicationGroupId=_HAND_MADE)
    settled(rehearsal, _HAND_MADE, gone=True)
    elasticache.delete_cache_subnet_group(CacheSubnetGroupName=_SUBNETS)


def _delete_security_group(rehearsal: Rehearsal) -> None:
    ec2 = rehearsal.aws("ec2")
    named = [{"Name": "group-name", "Values": [_GROUP]}]
    (group,) = ec2.describe_security_groups(Filters=named)["SecurityGroups"]
    ec2.delete_security_group(GroupId=group["GroupId"])
    rehearsal.neighbours.remove(group["GroupId"])


def _new(rehearsal: Rehearsal) -> None:
    rehearsal.ask("limit", concurrency="10", minimum_unreserved="10", creates_roles="false")


def _nothing(_rehearsal: Rehearsal) -> None:
    """Another remedy did it."""


PROFILES = {
    "": Profile(),
    "lived-in": Profile(
        _lived_in,
        {
            'Write "@aws-cdk/core:bootstrapQualifier": "platform"': _qualify,
            f"{_HAND_MADE} is there already": _delete_group,
            "There are two ways. Next to it:": _nothing,
            f"{_SUBNETS} is there already": _nothing,
            f"{_GROUP} is there already": _delete_security_group,
            f'endpoint_zones = ["{REGION}a", "{REGION}b"]': lambda one: one.checkout.set(
                "rotation.endpoint_zones", [f"{REGION}a", f"{REGION}b"]
            ),
            "channel C0REHEARSAL has a configuration already": lambda one: one.checkout.set(
                "notifications.slack_channel_id", "C0FREEONE"
            ),
        },
        qualifier="platform",
        private_subnets=2,
    ),
    "new": Profile(
        _new,
        {
            'reserved_concurrency = "none"': lambda one: one.checkout.set(
                "environment.reserved_concurrency", "none"
            ),
            "create-service-linked-role --aws-service-name elasticache.amazonaws.com": (
                lambda one: one.aws("iam").create_service_linked_role(
                    AWSServiceName="elasticache.amazonaws.com"
                )
            ),
        },
        used=False,
    ),
}
