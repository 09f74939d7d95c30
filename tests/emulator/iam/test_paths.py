"""Each thing on the way from a function to a service or a node, on both sides."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from aws_rules.iam import CannotBeJudged
from tests.emulator.iam.example import (
    ALL_EGRESS,
    CALLS,
    CONNECTIONS,
    DATA,
    NO_EGRESS,
    OPERATIONS,
    Templates,
    att,
    by_own_name,
    findings,
    own_names,
    properties,
    ref,
    resource,
    templates,
)

Change = Callable[[Templates], object]
CLOSED = {"SecurityGroupEgress": NO_EGRESS}


def of_function_group(**egress: Any) -> Change:
    return lambda changed: properties(changed, DATA, "FunctionGroup").update(**egress)


def to_redis(port: int, **peer: Any) -> Change:
    """The group lets out nothing but this."""
    rule = {"GroupId": att("FunctionGroup", "GroupId"), "IpProtocol": "tcp"}
    to = resource("EC2::SecurityGroupEgress", **rule, FromPort=port, ToPort=port, **peer)
    return lambda changed: (of_function_group(**CLOSED)(changed), added(ToRedis=to)(changed))


def ingress(**changed: Any) -> Change:
    def change(templates_to_change: Templates) -> None:
        rule = properties(templates_to_change, DATA, "FunctionToRedis")
        if "CidrIp" in changed:
            del rule["SourceSecurityGroupId"]
        rule.update(changed)

    return change


def added(**resources: Any) -> Change:
    return lambda changed: changed[DATA]["Resources"].update(resources)


def another_group(changed: Templates) -> None:
    of_function_group(**CLOSED)(changed)
    group = resource("EC2::SecurityGroup", VpcId=ref("Vpc"), SecurityGroupEgress=ALL_EGRESS)
    changed[DATA]["Resources"]["Extra"] = group
    properties(changed, OPERATIONS, "Function")["VpcConfig"]["SecurityGroupIds"].append("Extra")


def nodes_elsewhere(changed: Templates) -> None:
    elsewhere = resource("EC2::Subnet", VpcId="vpc-2", CidrBlock="10.30.0.0/24")
    changed[DATA]["Resources"]["Elsewhere"] = elsewhere
    properties(changed, DATA, "Subnets")["SubnetIds"] = [ref("Elsewhere")]


NO_EGRESS_RULE = "FunctionGroup in stack data has no egress rule for port"
# What is changed, and how many findings of which words follow; two services and the nodes.
CHANGES: dict[str, tuple[Change, int, str]] = {
    "CDK's placeholder lets nothing out": (of_function_group(**CLOSED), 3, NO_EGRESS_RULE),
    "no egress rule at all lets everything out": (of_function_group(SecurityGroupEgress=[]), 0, ""),
    "another group's rules add up": (another_group, 0, ""),
    "egress to the nodes' group": (
        to_redis(6379, DestinationSecurityGroupId=att("RedisGroup", "GroupId")),
        2,
        "port 443",
    ),
    "egress to all subnets": (to_redis(6379, CidrIp="10.20.0.0/20"), 2, "port 443"),
    "egress to the VPC": (to_redis(6379, CidrIp=att("Vpc", "CidrBlock")), 2, "port 443"),
    "egress to another group": (
        to_redis(6379, DestinationSecurityGroupId=att("EndpointGroup", "GroupId")),
        3,
        NO_EGRESS_RULE,
    ),
    "egress to part of the subnets": (to_redis(6379, CidrIp="10.20.0.0/21"), 3, NO_EGRESS_RULE),
    "egress to another port": (to_redis(6380, CidrIp="0.0.0.0/0"), 3, NO_EGRESS_RULE),
    "egress by IPv6": (to_redis(6379, CidrIpv6="::/0"), 3, NO_EGRESS_RULE),
    "ingress by another protocol": (ingress(IpProtocol="udp"), 1, "no ingress rule"),
    "ingress to another port": (ingress(ToPort=6378), 1, "no ingress rule"),
    "ingress from all subnets": (ingress(CidrIp="10.20.0.0/20"), 0, ""),
    "ingress from part of them": (ingress(CidrIp="10.20.0.0/21"), 1, "no ingress rule"),
    "endpoints admit no caller": (
        lambda changed: changed[DATA]["Resources"].pop("FunctionToEndpoints"),
        2,
        "EndpointGroup in stack data of endpoint",
    ),
    "the public name without private DNS": (
        lambda changed: properties(changed, DATA, "Elasticache").update(PrivateDnsEnabled=False),
        1,
        "has no endpoint for com.amazonaws.us-east-1.elasticache",
    ),
    "nodes in another VPC": (nodes_elsewhere, 1, "it is in Vpc and vibewell-redis is in vpc-2"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_each_thing_on_the_way_counts(name: str) -> None:
    change, many, words = CHANGES[name]
    changed = templates()
    change(changed)
    result = findings(changed)
    assert len(result) == many, result
    assert all(words in finding for finding in result)


def test_an_endpoint_without_private_dns_is_a_way_by_its_own_name() -> None:
    changed = templates()
    assert findings(changed, by_own_name(changed)) == []


@pytest.mark.parametrize("service", ["Secretsmanager", "Elsewhere"])
def test_the_name_of_another_service_or_another_vpcs_endpoint_is_no_way(service: str) -> None:
    changed = templates()
    changed[DATA]["Resources"]["Elsewhere"] = copy.deepcopy(
        changed[DATA]["Resources"]["Elasticache"]
    )
    properties(changed, DATA, "Elsewhere")["VpcId"] = "vpc-2"
    name = own_names(changed, service)[0]
    (finding,) = findings(changed, by_own_name(changed, name))
    assert f"its environment names {name}, which is no endpoint of Vpc" in finding


@pytest.mark.parametrize(
    ("variable", "url"),
    [
        ("AWS_ENDPOINT_URL_ELASTICACHE", "http://{}"),
        ("AWS_ENDPOINT_URL_ELASTICACHE", "https://{}:444"),
        ("AWS_ENDPOINT_URL_ELASTICACHE", "https://{}/path"),
        ("AWS_ENDPOINT_URL_SNS", "https://{}"),
        ("AWS_ENDPOINT_URL", "https://{}"),
    ],
)
def test_another_form_of_address_cannot_be_judged(variable: str, url: str) -> None:
    changed = templates()
    by_own_name(changed)
    name = own_names(changed, "Elasticache")[0]
    variables = {variable: url.format(name)}
    properties(changed, OPERATIONS, "Function")["Environment"]["Variables"] = variables
    result = findings(changed)
    assert len(result) == len(CALLS) + len(CONNECTIONS)
    assert all(f"cannot be judged: {variable} in the environment" in finding for finding in result)


def test_an_endpoint_that_does_not_say_whether_it_has_private_dns_cannot_be_judged() -> None:
    changed = templates()
    del properties(changed, DATA, "Elasticache")["PrivateDnsEnabled"]
    with pytest.raises(CannotBeJudged, match="does not say whether PrivateDnsEnabled"):
        findings(changed)


def with_way_out(target: dict[str, Any], *subnets: str) -> Templates:
    """No endpoint, and a default route for some subnets."""
    changed = templates()
    resources = changed[DATA]["Resources"]
    del resources["Elasticache"], resources["Secretsmanager"]
    resources["Table"] = resource("EC2::RouteTable", VpcId=ref("Vpc"))
    resources["Default"] = resource(
        "EC2::Route", RouteTableId=ref("Table"), DestinationCidrBlock="0.0.0.0/0", **target
    )
    for name in subnets:
        resources[f"{name}Route"] = resource(
            "EC2::SubnetRouteTableAssociation", RouteTableId=ref("Table"), SubnetId=ref(name)
        )
    return changed


NAT = {"NatGatewayId": "nat-1"}


@pytest.mark.parametrize(
    ("target", "subnets", "many"),
    [
        (NAT, ("SubnetA", "SubnetB"), 0),
        (NAT, ("SubnetA",), 2),
        ({"GatewayId": "igw-1"}, ("SubnetA", "SubnetB"), 2),
    ],
)
def test_nat_for_all_subnets_is_a_way_to_every_service_and_a_gateway_is_none(
    target: dict[str, Any], subnets: tuple[str, ...], many: int
) -> None:
    changed = with_way_out(target, *subnets)
    assert len(findings(changed)) == many
    egress = [{"CidrIp": "10.0.0.0/8", "IpProtocol": "-1"}]
    properties(changed, DATA, "FunctionGroup")["SecurityGroupEgress"] = egress
    assert len(findings(changed)) == 2, "it takes egress to everywhere"


def looked_up(kind: str) -> tuple[Templates, dict[str, Any]]:
    """The function in a VPC that CDK found: its subnets are in cdk.context.json only."""
    changed = templates()
    resources = changed[DATA]["Resources"]
    for name in ("Vpc", "SubnetA", "SubnetB", "Secretsmanager", "Elasticache"):
        del resources[name]
    for logical_id in ("FunctionGroup", "RedisGroup", "EndpointGroup"):
        resources[logical_id]["Properties"]["VpcId"] = "vpc-1"
    subnets = ["subnet-1", "subnet-2"]
    properties(changed, OPERATIONS, "Function")["VpcConfig"]["SubnetIds"] = subnets
    properties(changed, DATA, "Subnets")["SubnetIds"] = subnets
    for output in ("subnet-a", "subnet-b"):
        del changed[DATA]["Outputs"][output]
    subnets_found = [
        {"subnetId": name, "cidr": f"10.10.{number}.0/24", "routeTableId": f"rtb-{number}"}
        for number, name in enumerate(subnets)
    ]
    groups = [{"name": kind, "type": kind, "subnets": subnets_found}]
    return changed, {"vpc-provider:x": {"vpcId": "vpc-1", "subnetGroups": groups}}


@pytest.mark.parametrize(("kind", "many"), [("Private", 0), ("Isolated", 2), ("Public", 2)])
def test_private_subnets_of_a_found_vpc_lead_out_and_no_others(kind: str, many: int) -> None:
    changed, context = looked_up(kind)
    assert len(findings(changed, context=context)) == many


def test_an_unknown_subnet_or_a_network_acl_cannot_be_judged() -> None:
    changed = templates()
    changed[DATA]["Resources"]["Acl"] = resource(
        "EC2::SubnetNetworkAclAssociation", SubnetId=ref("SubnetA"), NetworkAclId="acl-1"
    )
    result = findings(changed)
    assert len(result) == len(CALLS) + 1
    assert all("network ACL: not modelled" in finding for finding in result)
    properties(changed, OPERATIONS, "Function")["VpcConfig"]["SubnetIds"] = ["subnet-9"]
    result = findings(changed)
    assert len(result) == len(CALLS) + 1
    assert all("neither a template nor cdk.context.json has subnet subnet-9" in f for f in result)
