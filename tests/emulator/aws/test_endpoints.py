"""Interface endpoints: refused as EC2 refuses, and reached by their own names over TLS."""

import json
from collections.abc import Callable
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
from botocore.exceptions import ClientError

from emulator.clean_environment import REGION, ROOT
from emulator.iam.endpoint_names import regional
from rehearsal.common.errors import RehearsalError
from rehearsal.common.rehearsal import Clients
from rehearsal.common.steps import deploy
from tests.emulator.aws.conftest import Make, Stacks, resource

ON, OFF = {"PrivateDnsEnabled": True}, {"PrivateDnsEnabled": False}
SERVICE = f"com.amazonaws.{REGION}.secretsmanager"


class Net(NamedTuple):
    """A VPC of three subnets, of which the last is in the first one's zone."""

    ec2: Any
    vpc: str
    subnets: list[str]
    group: str

    def asked(self, **more: Any) -> dict[str, Any]:
        return {
            "VpcId": self.vpc,
            "ServiceName": SERVICE,
            "VpcEndpointType": "Interface",
            "SubnetIds": self.subnets[:2],
            "SecurityGroupIds": [self.group],
            **more,
        }

    def endpoint(self, **more: Any) -> Any:
        return self.ec2.create_vpc_endpoint(**self.asked(**more))["VpcEndpoint"]

    def resources(self, **more: Any) -> dict[str, Any]:
        return {"One": resource("EC2::VPCEndpoint", **self.asked(**more))}


@pytest.fixture
def net(aws: Clients) -> Net:
    ec2 = aws("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    subnets = [
        ec2.create_subnet(
            VpcId=vpc, CidrBlock=f"10.9.{number}.0/24", AvailabilityZone=f"{REGION}{zone}"
        )["Subnet"]["SubnetId"]
        for number, zone in enumerate("aba")
    ]
    group = ec2.create_security_group(GroupName="endpoints", Description="a test's", VpcId=vpc)
    return Net(ec2, vpc, subnets, group["GroupId"])


def refused(call: Callable[[], Any]) -> str:
    with pytest.raises(ClientError) as error:
        call()
    return f"{error.value.response['Error']['Code']}: {error.value.response['Error']['Message']}"


def test_two_subnets_of_one_zone_are_refused(net: Net) -> None:
    twice = [net.subnets[0], net.subnets[2]]
    said = refused(lambda: net.endpoint(**OFF, SubnetIds=twice))
    assert said.startswith("DuplicateSubnetsInSameZone: Found another VPC endpoint subnet")
    endpoint_id = net.endpoint(**OFF)["VpcEndpointId"]
    more = refused(
        lambda: net.ec2.modify_vpc_endpoint(VpcEndpointId=endpoint_id, AddSubnetIds=net.subnets[2:])
    )
    assert more.startswith("DuplicateSubnetsInSameZone")
    net.ec2.modify_vpc_endpoint(
        VpcEndpointId=endpoint_id, AddSubnetIds=net.subnets[2:], RemoveSubnetIds=net.subnets[:1]
    )


def test_a_second_endpoint_with_private_dns_for_a_service_is_refused(net: Net) -> None:
    net.endpoint(**ON)
    words = (
        "InvalidParameter: private-dns-enabled cannot be set because there is already a "
        f"conflicting DNS domain for secretsmanager.{REGION}.amazonaws.com in the VPC {net.vpc}"
    )
    assert refused(lambda: net.endpoint(**ON)) == words
    assert refused(lambda: net.endpoint()) == words  # it is the default
    beside = net.endpoint(**OFF)["VpcEndpointId"]
    assert words == refused(
        lambda: net.ec2.modify_vpc_endpoint(VpcEndpointId=beside, PrivateDnsEnabled=True)
    )
    net.endpoint(**ON, ServiceName=f"com.amazonaws.{REGION}.elasticache")


def test_cloudformation_is_refused_too_and_an_endpoint_stays_as_it_was(
    net: Net, stacks: Stacks
) -> None:
    twice = [net.subnets[0], net.subnets[2]]
    assert "DuplicateSubnetsInSameZone" in stacks.refused(net.resources(SubnetIds=twice))
    stack = stacks.created(net.resources())
    endpoint = {"VpcEndpointIds": [stacks.physical_id(stack, "One")]}
    before = net.ec2.describe_vpc_endpoints(**endpoint)["VpcEndpoints"]
    assert [group["GroupId"] for group in before[0]["Groups"]] == [net.group]
    assert stacks.update(stack, net.resources(SubnetIds=twice)) == "UPDATE_ROLLBACK_COMPLETE"
    assert net.ec2.describe_vpc_endpoints(**endpoint)["VpcEndpoints"] == before


@pytest.mark.parametrize("attribute", ["EnableDnsSupport", "EnableDnsHostnames"])
def test_private_dns_takes_both_attributes_of_the_vpc(net: Net, attribute: str) -> None:
    net.ec2.modify_vpc_attribute(VpcId=net.vpc, **{attribute: {"Value": False}})
    said = refused(lambda: net.endpoint(**ON))
    assert said.startswith("InvalidParameter: Enabling private DNS requires both")
    assert net.endpoint(**OFF)["PrivateDnsEnabled"] is False


def test_it_is_described_as_in_awss_sample(net: Net) -> None:
    endpoint = net.endpoint(**ON)
    names = [entry["DnsName"] for entry in endpoint["DnsEntries"]]
    label = regional(names).partition(".")[0]
    assert label.startswith(f"{endpoint['VpcEndpointId']}-")
    assert names == [
        *(
            f"{label}{zone}.secretsmanager.{REGION}.vpce.amazonaws.com"
            for zone in ("", f"-{REGION}a", f"-{REGION}b")
        ),
        f"secretsmanager.{REGION}.amazonaws.com",
    ]
    (there,) = net.ec2.describe_vpc_endpoints(VpcEndpointIds=[endpoint["VpcEndpointId"]])[
        "VpcEndpoints"
    ]
    assert there["DnsEntries"] == endpoint["DnsEntries"]
    assert [group["GroupId"] for group in there["Groups"]] == [net.group]


CALL = """
    import os
    import boto3

    def handle(event, _context):
        os.environ["AWS_ENDPOINT_URL_SECRETS_MANAGER"] = f"https://{event}"
        try:
            boto3.client("secretsmanager").list_secrets()
        except Exception as failure:
            return type(failure).__name__
        return "answered"
"""


def test_a_function_reaches_one_by_its_names_and_no_other(
    net: Net, aws: Clients, function: Make
) -> None:
    endpoint = net.endpoint(**OFF)
    names = [entry["DnsName"] for entry in endpoint["DnsEntries"]]
    arn = function(CALL)

    def called(host: str) -> str:
        answer = aws("lambda").invoke(FunctionName=arn, Payload=json.dumps(host))
        return str(json.load(answer["Payload"]))

    assert {called(name) for name in names} == {"answered"}
    assert called(names[0].replace("vpce-", "vpce-0")) == "EndpointConnectionError"
    net.ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint["VpcEndpointId"]])
    assert called(names[0]) == "EndpointConnectionError"


def table(net: Net) -> str:
    in_vpc = [{"Name": "vpc-id", "Values": [net.vpc]}]
    (only,) = net.ec2.describe_route_tables(Filters=in_vpc)["RouteTables"]
    return str(only["RouteTableId"])


def with_nat(net: Net) -> None:
    address = net.ec2.allocate_address(Domain="vpc")["AllocationId"]
    gateway = net.ec2.create_nat_gateway(SubnetId=net.subnets[0], AllocationId=address)
    net.ec2.create_route(
        RouteTableId=table(net),
        DestinationCidrBlock="0.0.0.0/0",
        NatGatewayId=gateway["NatGateway"]["NatGatewayId"],
    )


def without_route(net: Net) -> None:
    net.ec2.delete_route(RouteTableId=table(net), DestinationCidrBlock="0.0.0.0/0")


def without_egress(net: Net) -> None:
    for group in net.ec2.describe_security_groups()["SecurityGroups"]:
        if (group["VpcId"], group["GroupName"]) == (net.vpc, "default"):
            net.ec2.revoke_security_group_egress(
                GroupId=group["GroupId"], IpPermissions=group["IpPermissionsEgress"]
            )


def that_admits(net: Net, **more: str) -> None:
    sources = {"IpRanges": [{"CidrIp": "10.9.0.0/16"}]}
    https = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}
    net.ec2.authorize_security_group_ingress(GroupId=net.group, IpPermissions=[https | sources])
    net.endpoint(**ON, **more)


def with_policy(net: Net) -> None:
    that_admits(net, PolicyDocument='{"Statement": []}')


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda net: net.endpoint(**OFF), ""),
        (that_admits, ""),
        (lambda net: net.endpoint(**ON), "can no longer reach secretsmanager"),
        (with_policy, "may refuse what was allowed"),
        (without_egress, "can no longer reach sts: its security group default"),
        (without_route, "can no longer reach sts: its subnets have no way out"),
    ],
)
def test_a_deployment_that_takes_a_way_away_from_a_neighbour_fails(
    aws: Clients, net: Net, change: Callable[[Net], Any], says: str
) -> None:
    with_nat(net)
    groups = net.ec2.describe_security_groups()["SecurityGroups"]
    rehearsal: Any = SimpleNamespace(
        aws=aws,
        root=ROOT,
        neighbours=[group["GroupId"] for group in groups if group["VpcId"] == net.vpc],
        cdk=SimpleNamespace(stacks=["one"], deploy=lambda _stack: change(net)),
    )
    refusal = pytest.raises(RehearsalError, match=f"one harms others:(.|\n)*{says}")
    with refusal if says else nullcontext():
        deploy(rehearsal)
