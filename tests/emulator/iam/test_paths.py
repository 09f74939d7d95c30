"""Each thing on the way from a function to a service or a node, on both sides."""

import copy
from typing import Any

import pytest

from aws_rules.problem import CannotBeJudged
from tests.emulator.iam.example import (
    ALL_EGRESS,
    CALLS,
    CONNECTIONS,
    DATA,
    NO_EGRESS,
    OPERATIONS,
    REGION,
    Templates,
    allow,
    att,
    by_own_name,
    call,
    findings,
    own_names,
    properties,
    ref,
    resource,
    statements,
    templates,
)


def egress(to: Any, port: int) -> dict[str, Any]:
    return resource(
        "EC2::SecurityGroupEgress",
        GroupId=att("FunctionGroup", "GroupId"),
        IpProtocol="tcp",
        FromPort=port,
        ToPort=port,
        **to,
    )


def without_egress() -> Templates:
    changed = templates()
    properties(changed, DATA, "FunctionGroup")["SecurityGroupEgress"] = NO_EGRESS
    return changed


def test_cdks_placeholder_lets_nothing_out() -> None:
    found = findings(without_egress())
    assert len(found) == 3  # two services and the nodes
    assert all("FunctionGroup in stack data has no egress rule for port" in f for f in found)


@pytest.mark.parametrize(
    "to",
    [
        {"DestinationSecurityGroupId": att("RedisGroup", "GroupId")},
        {"CidrIp": "10.20.0.0/20"},
        {"CidrIp": att("Vpc", "CidrBlock")},
    ],
)
def test_egress_to_the_nodes_group_or_to_all_of_its_subnets_is_enough(to: Any) -> None:
    changed = without_egress()
    changed[DATA]["Resources"]["ToRedis"] = egress(to, 6379)
    assert findings(changed, ()) == []


@pytest.mark.parametrize(
    ("to", "port"),
    [
        ({"DestinationSecurityGroupId": att("EndpointGroup", "GroupId")}, 6379),
        ({"CidrIp": "10.20.0.0/21"}, 6379),
        ({"CidrIp": "0.0.0.0/0"}, 6380),
        ({"CidrIpv6": "::/0"}, 6379),
    ],
)
def test_egress_to_another_group_part_of_the_subnets_or_port_is_not(to: Any, port: int) -> None:
    changed = without_egress()
    changed[DATA]["Resources"]["ToRedis"] = egress(to, port)
    (found,) = findings(changed, ())
    assert "no egress rule for port 6379" in found


def test_a_group_without_any_egress_rule_lets_everything_out() -> None:
    changed = templates()
    del properties(changed, DATA, "FunctionGroup")["SecurityGroupEgress"]
    assert findings(changed) == []


@pytest.mark.parametrize(("key", "value"), [("IpProtocol", "udp"), ("ToPort", 6378)])
def test_ingress_for_another_protocol_or_port_is_none(key: str, value: object) -> None:
    changed = templates()
    properties(changed, DATA, "FunctionToRedis")[key] = value
    assert len(findings(changed)) == 1


def test_ingress_by_address_range_must_hold_all_of_the_functions_subnets() -> None:
    changed = templates()
    rule = properties(changed, DATA, "FunctionToRedis")
    del rule["SourceSecurityGroupId"]
    rule["CidrIp"] = "10.20.0.0/20"
    assert findings(changed) == []
    rule["CidrIp"] = "10.20.0.0/21"
    assert len(findings(changed)) == 1


def test_an_endpoint_must_let_the_function_in() -> None:
    changed = templates()
    del changed[DATA]["Resources"]["FunctionToEndpoints"]
    found = findings(changed, connections=())
    assert len(found) == 2
    assert all("EndpointGroup in stack data of endpoint" in finding for finding in found)


def test_an_endpoint_without_private_dns_is_a_way_by_its_own_name() -> None:
    changed = templates()
    assert findings(changed, by_own_name(changed)) == []


def test_it_is_none_by_the_services_public_name() -> None:
    changed = templates()
    properties(changed, DATA, "Elasticache")["PrivateDnsEnabled"] = False
    (found,) = findings(changed)
    assert "has no endpoint for com.amazonaws.us-east-1.elasticache" in found


def test_an_endpoint_with_private_dns_has_its_own_name_too() -> None:
    changed = templates()
    calls = by_own_name(changed)
    properties(changed, DATA, "Elasticache")["PrivateDnsEnabled"] = True
    assert findings(changed, calls) == []


def test_by_its_own_name_it_must_let_the_function_in() -> None:
    changed = templates()
    calls = by_own_name(changed)
    changed[DATA]["Resources"]["Closed"] = resource("EC2::SecurityGroup", VpcId=ref("Vpc"))
    properties(changed, DATA, "Elasticache")["SecurityGroupIds"] = [att("Closed", "GroupId")]
    (found,) = findings(changed, calls)
    assert "security group Closed in stack data of endpoint Elasticache in stack data" in found


def test_somebody_elses_private_dns_is_no_obstacle_to_an_endpoints_own_name() -> None:
    changed = templates()
    calls = by_own_name(changed)
    theirs = {**changed[DATA]["Resources"]["Elasticache"]["Properties"], "PrivateDnsEnabled": True}
    changed[DATA]["Resources"] |= {
        "Theirs": resource("EC2::VPCEndpoint", **{**theirs, "SecurityGroupIds": ["sg-theirs"]})
    }
    assert findings(changed, calls) == []
    (found,) = findings(changed, CALLS[2:], ())
    assert "and it called the service's public name" in found


def test_the_name_of_one_zone_is_no_way_that_lasts() -> None:
    changed = templates()
    name = own_names(changed, "Elasticache")[1]
    (found,) = findings(changed, by_own_name(changed, name))
    assert f"its environment names {name}, which is lost with its zone" in found


@pytest.mark.parametrize("service", ["Secretsmanager", "Elsewhere"])
def test_the_name_of_another_service_or_another_vpcs_endpoint_is_no_way(service: str) -> None:
    changed = templates()
    changed[DATA]["Resources"]["Elsewhere"] = copy.deepcopy(
        changed[DATA]["Resources"]["Elasticache"]
    )
    properties(changed, DATA, "Elsewhere")["VpcId"] = "vpc-2"
    name = own_names(changed, service)[0]
    (found,) = findings(changed, by_own_name(changed, name))
    assert f"its environment names {name}, which is no endpoint of Vpc" in found


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
    found = findings(changed)
    assert len(found) == len(CALLS) + len(CONNECTIONS)
    assert all(f"cannot be judged: {variable} in the environment" in one for one in found)


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


def test_nat_is_a_way_to_every_service() -> None:
    assert findings(with_way_out(NAT, "SubnetA", "SubnetB")) == []


def test_nat_takes_egress_to_everywhere() -> None:
    changed = with_way_out(NAT, "SubnetA", "SubnetB")
    properties(changed, DATA, "FunctionGroup")["SecurityGroupEgress"] = [
        {"CidrIp": "10.0.0.0/8", "IpProtocol": "-1"}
    ]
    found = findings(changed)
    assert len(found) == 2
    assert all("at its public addresses (0.0.0.0/0)" in finding for finding in found)


def test_nat_for_one_of_two_subnets_is_no_way() -> None:
    assert len(findings(with_way_out(NAT, "SubnetA"))) == 2


def test_an_internet_gateway_is_no_way_for_a_function() -> None:
    assert len(findings(with_way_out({"GatewayId": "igw-1"}, "SubnetA", "SubnetB"))) == 2


def test_a_gateway_endpoint_is_a_way_to_s3_for_the_route_tables_that_it_is_in() -> None:
    changed = with_way_out({"GatewayId": "igw-1"}, "SubnetA", "SubnetB")
    resources = changed[DATA]["Resources"]
    resources["Reports"] = resource("S3::Bucket", BucketName="reports")
    resources["S3"] = resource(
        "EC2::VPCEndpoint",
        ServiceName=f"com.amazonaws.{REGION}.s3",
        VpcEndpointType="Gateway",
        VpcId=ref("Vpc"),
        RouteTableIds=[ref("Table")],
    )
    statements(changed).append(allow("s3:PutObject", "arn:aws:s3:::reports/*"))
    put = (call("s3:PutObject", Object="reports/week.json"),)
    assert findings(changed, put, ()) == []
    properties(changed, DATA, "S3")["RouteTableIds"] = ["rtb-of-others"]
    (found,) = findings(changed, put, ())
    assert "cannot reach s3" in found


def looked_up(kind: str) -> tuple[Templates, dict[str, Any]]:
    """The function in a VPC that CDK found: its subnets stand in cdk.context.json alone."""
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
    found = [
        {"subnetId": name, "cidr": f"10.10.{number}.0/24", "routeTableId": f"rtb-{number}"}
        for number, name in enumerate(subnets)
    ]
    groups = [{"name": kind, "type": kind, "subnets": found}]
    return changed, {"vpc-provider:x": {"vpcId": "vpc-1", "subnetGroups": groups}}


def test_private_subnets_of_a_found_vpc_lead_out() -> None:
    changed, context = looked_up("Private")
    assert findings(changed, context=context) == []


@pytest.mark.parametrize("kind", ["Isolated", "Public"])
def test_isolated_and_public_subnets_of_a_found_vpc_do_not(kind: str) -> None:
    changed, context = looked_up(kind)
    assert len(findings(changed, context=context)) == 2


def test_a_found_group_has_the_rules_that_the_templates_add() -> None:
    changed, context = looked_up("Private")
    context["security-group:x"] = {"securityGroupId": "sg-1", "allowAllOutbound": True}
    properties(changed, OPERATIONS, "Function")["VpcConfig"]["SecurityGroupIds"] = ["sg-1"]
    (found,) = findings(changed, context=context)
    assert "from security group sg-1, which is in no template" in found
    properties(changed, DATA, "FunctionToRedis")["SourceSecurityGroupId"] = "sg-1"
    assert findings(changed, context=context) == []
    context["security-group:x"]["allowAllOutbound"] = False
    assert len(findings(changed, context=context)) == 3


def test_nodes_in_another_vpc_are_out_of_reach() -> None:
    changed = templates()
    resources = changed[DATA]["Resources"]
    resources["Elsewhere"] = resource("EC2::Subnet", VpcId="vpc-2", CidrBlock="10.30.0.0/24")
    properties(changed, DATA, "Subnets")["SubnetIds"] = [ref("Elsewhere")]
    (found,) = findings(changed)
    assert "it is in Vpc and vibewell-redis is in vpc-2" in found


def test_an_unknown_subnet_or_a_network_acl_cannot_be_judged() -> None:
    changed = templates()
    changed[DATA]["Resources"]["Acl"] = resource(
        "EC2::SubnetNetworkAclAssociation", SubnetId=ref("SubnetA"), NetworkAclId="acl-1"
    )
    found = findings(changed)
    assert len(found) == len(CALLS) + 1
    assert all("network ACL: not modelled" in finding for finding in found)
    properties(changed, OPERATIONS, "Function")["VpcConfig"]["SubnetIds"] = ["subnet-9"]
    found = findings(changed)
    assert len(found) == len(CALLS) + 1
    assert all("neither a template nor cdk.context.json has subnet subnet-9" in f for f in found)


def test_rules_of_several_groups_add_up() -> None:
    changed = without_egress()
    extra = resource("EC2::SecurityGroup", VpcId=ref("Vpc"), SecurityGroupEgress=ALL_EGRESS)
    changed[DATA]["Resources"]["Extra"] = extra
    properties(changed, OPERATIONS, "Function")["VpcConfig"]["SecurityGroupIds"].append("Extra")
    assert findings(changed) == []
