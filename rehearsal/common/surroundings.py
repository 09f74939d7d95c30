"""What production finds in its account: a VPC, the application's security group, a secret.

And a neighbour in the VPC, whom no deployment of ours may take anything away from.

None of it carries a tag of the CDK's: the look-ups must find what another tool, or a person, made.
"""

import json
from typing import Any

from emulator.clean_environment import REGION
from rehearsal.common.clients import Clients

PAGERDUTY_SECRET = "rehearsal/pagerduty"  # noqa: S105 - a name
PAGERDUTY_ADDRESS = "https://events.pagerduty.com/integration/rehearsal/enqueue"
_ZONES = ("a", "b", "c")


def make_surroundings(
    aws: Clients, *, vpc_name: str, application_group: str, isolated: bool = False
) -> str:
    """Make them and return the VPC's id; isolated subnets have no way out."""
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
        for number, zone in enumerate(_ZONES)
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
