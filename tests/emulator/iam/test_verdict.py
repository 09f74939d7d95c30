"""A rotation that works here: allowed as production is, and refused with one thing taken away.

Production is in subnets without a way out. What is not said in a test is right, so that a test
changes the one thing that it is about.
"""

import copy
import json
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import pytest

from aws_rules.iam import CannotBeJudged
from emulator.iam import network
from emulator.iam.actions import Call
from emulator.iam.endpoint_names import regional
from emulator.iam.template import Deployment
from emulator.iam.verdict import Connection, Judge, Nodes
from tests.support import ROOT
from tools.context import committed

ACCOUNT, REGION = "111122223333", "us-east-1"
DATA, OPERATIONS = "vibewell-redis-production-data", "vibewell-redis-production-operations"
VPC = "vpc-0e5a3c1b9d7f20468"

Template = dict[str, Any]
Templates = dict[str, Template]


def ref(logical_id: str) -> dict[str, str]:
    return {"Ref": logical_id}


def att(logical_id: str, attribute: str = "Arn") -> dict[str, list[str]]:
    return {"Fn::GetAtt": [logical_id, attribute]}


def resource(kind: str, **properties: Any) -> Template:
    return {"Type": f"AWS::{kind}", "Properties": properties}


def allow(actions: str | list[str], on: Any = "*", **more: Any) -> Template:
    return {"Effect": "Allow", "Action": actions, "Resource": on, **more}


@cache
def _snapshots() -> Templates:
    folder = ROOT / "tests" / "snapshots"
    return {name: json.loads((folder / f"{name}.json").read_text()) for name in (DATA, OPERATIONS)}


def templates() -> Templates:
    return copy.deepcopy(_snapshots())


def look_ups(subnets: str = "Isolated") -> Template:
    """CDK's look-ups, in which the private subnets are of another kind."""
    text = json.dumps(committed())
    changed: Template = json.loads(text.replace('"type": "Private"', f'"type": "{subnets}"'))
    return changed


def id_of(name: str, of: Templates | None = None) -> str:
    """The logical id that begins so, which CDK ends with eight letters."""
    ids: list[str] = [one for each in (of or _snapshots()).values() for one in each["Resources"]]
    (logical_id,) = (one for one in ids if re.fullmatch(f"{name}([0-9A-F]{{8}})?", one))
    return logical_id


def properties(of: Templates, name: str) -> Template:
    declared = {**of[DATA]["Resources"], **of[OPERATIONS]["Resources"]}[id_of(name, of)]
    own: Template = declared["Properties"]
    return own


def remove(of: Templates, *names: str) -> None:
    for name in names:
        for template in of.values():
            template["Resources"].pop(id_of(name), None)


def deployment(of: Mapping[str, Template] | None = None) -> Deployment:
    return Deployment(of or templates(), account=ACCOUNT, region=REGION)


def own_names(of: Templates, name: str) -> list[str]:
    """The names by which an endpoint is reached without private DNS."""
    endpoints = network.read(deployment(of), look_ups()).endpoints
    (endpoint,) = (one for one in endpoints if one.name.startswith(f"endpoint {id_of(name, of)} "))
    return list(endpoint.own_names)


FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:vibewell-redis-production-rotation"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/{id_of('TokenRotationRole')}"
SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{id_of('TokenSecret')}-AbCdEf"
PRIMARY = "127.99.1.0"
NODES = Nodes(
    "vibewell-redis", (id_of("AccessSecurityGroup"),), "vibewell-production-private-subnets"
)
ENDPOINTS = {
    "secretsmanager": "EndpointsSecretsmanagerOwnName",
    "elasticache": "EndpointsElasticacheOwnName",
}
_ADDRESSES = {name: regional(own_names(_snapshots(), one)) for name, one in ENDPOINTS.items()}


def call(action: str, **parameters: str) -> Call:
    given = {name: (value,) for name, value in parameters.items()}
    return Call(FUNCTION, ROLE, action, given, _ADDRESSES.get(action.partition(":")[0], ""))


CALLS = (
    call("secretsmanager:GetSecretValue", SecretId=SECRET),
    call("secretsmanager:PutSecretValue", SecretId=SECRET),
    call("elasticache:ModifyUser", UserId="vibewell-redis-default"),
)
CONNECTIONS = (Connection(FUNCTION, PRIMARY, 6379),)


def findings(
    of: Templates,
    calls: tuple[Call, ...] = CALLS,
    connections: tuple[Connection, ...] = CONNECTIONS,
    context: Template | None = None,
) -> list[str]:
    deployed = deployment(of)
    judge = Judge(deployed, network.read(deployed, context or look_ups()), {PRIMARY: NODES})
    return judge.findings(calls, connections)


def variables(of: Templates) -> Template:
    """The rotation's environment."""
    environment: Template = properties(of, "TokenRotationFunction")["Environment"]["Variables"]
    return environment


def by_public_names(of: Templates) -> tuple[Call, ...]:
    """The function names no endpoint. Returns its calls."""
    for name in ("AWS_ENDPOINT_URL_SECRETS_MANAGER", "AWS_ENDPOINT_URL_ELASTICACHE"):
        del variables(of)[name]
    return tuple(Call(one.function, one.role, one.action, one.parameters) for one in CALLS)


def statements(of: Templates) -> list[Template]:
    """The function's permissions: log, network, secret, key, group, nodes, user."""
    own: list[Template] = properties(of, "TokenRotationPolicy")["PolicyDocument"]["Statement"]
    return own


SERVICE_ROLE = "arn:aws:iam::aws:policy/service-role"
THE_FUNCTION = f"{id_of('TokenRotationFunction')} in stack {OPERATIONS}"


def test_what_the_templates_allow_gives_no_finding() -> None:
    assert findings(templates()) == []


def test_one_permission_removed_is_found() -> None:
    changed = templates()
    statements(changed)[2]["Action"].remove("secretsmanager:PutSecretValue")
    assert findings(changed) == [
        f"{THE_FUNCTION} needs secretsmanager:PutSecretValue on {SECRET}: no statement of its role "
        f"allows it; add one to {id_of('TokenRotationRole')} in stack {OPERATIONS}"
    ]


def test_one_ingress_rule_removed_is_found() -> None:
    changed = templates()
    remove(changed, "TokenRotationRedisIn")
    assert findings(changed) == [
        f"{THE_FUNCTION} cannot reach vibewell-redis on port 6379: security group "
        f"{id_of('AccessSecurityGroup')} in stack {DATA} of vibewell-redis has no ingress rule for "
        f"port 6379 from security group {id_of('TokenRotationSecurityGroup')} in stack "
        f"{OPERATIONS}; add an AWS::EC2::SecurityGroupIngress for it"
    ]


def test_one_endpoint_removed_is_found() -> None:
    changed = templates()
    calls = by_public_names(changed)
    properties(changed, ENDPOINTS["secretsmanager"])["PrivateDnsEnabled"] = True
    remove(changed, ENDPOINTS["elasticache"])
    assert findings(changed, calls, ()) == [
        f"{THE_FUNCTION} cannot reach elasticache: its subnets have no way out and {VPC} has no "
        "endpoint for com.amazonaws.us-east-1.elasticache; add an interface endpoint whose "
        "security group lets the function in on port 443 to the stack of that VPC, and its name "
        "to the function's environment"
    ]


def test_a_policy_of_its_own_and_one_of_awss_count_too() -> None:
    changed = templates()
    role = properties(changed, "TokenRotationRole")
    role["ManagedPolicyArns"] = [f"{SERVICE_ROLE}/AWSLambdaVPCAccessExecutionRole"]
    assert any("secretsmanager:PutSecretValue" in finding for finding in findings(changed))
    changed[OPERATIONS]["Resources"]["Own"] = resource(
        "IAM::Policy",
        PolicyName="Own",
        PolicyDocument={"Statement": statements(changed)[2:]},
        Roles=[ref(id_of("TokenRotationRole"))],
    )
    assert findings(changed) == []


@pytest.mark.parametrize("action", ["kms:Decrypt", "kms:GenerateDataKey"])
def test_the_use_of_the_secrets_key_is_a_permission_too(action: str) -> None:
    changed = templates()
    statements(changed)[3]["Action"].remove(action)
    result = findings(changed)
    assert result
    assert all(f"needs {action} on arn:aws:kms:" in finding for finding in result)


def test_a_key_policy_without_the_account_leaves_nothing_to_the_role() -> None:
    changed = templates()
    policy = properties(changed, "Key")["KeyPolicy"]
    policy["Statement"] = [allow("kms:*", Principal={"Service": "logs.amazonaws.com"})]
    result = findings(changed)
    assert len(result) == 3
    assert all("allows neither the role nor the account" in finding for finding in result)
    policy["Statement"] = [allow("kms:*", Principal={"AWS": ROLE})]
    assert findings(changed) == []


def test_a_secrets_own_policy_allows_or_denies() -> None:
    changed = templates()
    policy = {"Statement": allow("secretsmanager:GetSecretValue", Principal={"AWS": ROLE})}
    changed[DATA]["Resources"]["SecretPolicy"] = resource(
        "SecretsManager::ResourcePolicy",
        SecretId=ref(id_of("TokenSecret")),
        ResourcePolicy=policy,
    )
    statements(changed)[2]["Action"] = "secretsmanager:PutSecretValue"
    assert findings(changed) == []
    policy["Statement"] |= {"Effect": "Deny", "Principal": "*"}
    statements(changed)[2]["Action"] = "secretsmanager:*"
    (finding,) = findings(changed)
    assert f"SecretPolicy in stack {DATA} denies it" in finding


def test_a_function_must_be_able_to_be_in_its_vpc_and_to_log() -> None:
    changed = templates()
    del statements(changed)[:2]
    result = findings(changed, (), ())
    for action in ("ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces"):
        assert any(f"Lambda needs {action}" in finding for finding in result)
    assert any("logs:PutLogEvents" in finding for finding in result)
    changed = templates()
    remove(changed, "TokenRotationLog")
    (finding,) = findings(changed, (), ())
    assert "Lambda needs logs:CreateLogGroup" in finding


def test_an_endpoints_policy_is_asked_too() -> None:
    changed = templates()
    endpoint = properties(changed, ENDPOINTS["secretsmanager"])
    read = allow("secretsmanager:GetSecretValue", Principal="*")
    endpoint["PolicyDocument"] = {"Statement": [read]}
    (finding,) = findings(changed)
    assert "cannot reach secretsmanager: no statement of the policy of endpoint" in finding
    read["Action"] = "secretsmanager:*"
    assert findings(changed) == []


@pytest.mark.parametrize(
    ("calls", "connections", "reason"),
    [
        ((call("secretsmanager:DeleteSecret"),), (), "unknown action secretsmanager:DeleteSecret"),
        ((call("secretsmanager:GetSecretValue", SecretId="x"),), (), "no template has the secret"),
        ((), (Connection(FUNCTION, "127.0.0.9", 80),), "no Redis node of the rehearsal ever had"),
        ((), (Connection(f"{FUNCTION}2", PRIMARY, 6379),), "no template has this function"),
    ],
)
def test_what_is_not_known_is_a_finding(
    calls: tuple[Call, ...], connections: tuple[Connection, ...], reason: str
) -> None:
    (finding,) = findings(templates(), calls, connections)
    assert "it cannot be judged" in finding
    assert reason in finding


Change = Callable[[Templates], object]
GROUP = "TokenRotationSecurityGroup"
ALL_EGRESS = [{"CidrIp": "0.0.0.0/0", "IpProtocol": "-1"}]


def closed(changed: Templates) -> None:
    """The function's group lets nothing out."""
    remove(changed, "EndpointsRotation1Out", "TokenRotationRedisOut")


def open_group(changed: Templates) -> None:
    closed(changed)
    properties(changed, GROUP)["SecurityGroupEgress"] = []


def to_redis(port: int, **peer: Any) -> Change:
    """The group lets out nothing but this."""
    rule = {"GroupId": id_of(GROUP), "IpProtocol": "tcp", "FromPort": port, "ToPort": port}
    to = resource("EC2::SecurityGroupEgress", **rule, **peer)
    vpc = resource("EC2::VPC", CidrBlock="10.10.0.0/16")

    def change(changed: Templates) -> None:
        closed(changed)
        added(ToRedis=to, Vpc=vpc)(changed)

    return change


def ingress(**changed: Any) -> Change:
    def change(templates_to_change: Templates) -> None:
        rule = properties(templates_to_change, "TokenRotationRedisIn")
        if "CidrIp" in changed:
            del rule["SourceSecurityGroupId"]
        rule.update(changed)

    return change


def added(**resources: Any) -> Change:
    return lambda changed: changed[OPERATIONS]["Resources"].update(resources)


def another_group(changed: Templates) -> None:
    closed(changed)
    added(Extra=resource("EC2::SecurityGroup", SecurityGroupEgress=ALL_EGRESS))(changed)
    properties(changed, "TokenRotationFunction")["VpcConfig"]["SecurityGroupIds"].append("Extra")


def nodes_elsewhere(changed: Templates) -> None:
    added(Elsewhere=resource("EC2::Subnet", VpcId="vpc-2", CidrBlock="10.30.0.0/24"))(changed)
    properties(changed, "AccessSubnetGroup")["SubnetIds"] = ["Elsewhere"]


ALL, PART = "10.10.16.0/22", "10.10.16.0/23"  # of the function's subnets
NO_EGRESS_RULE = f"{id_of(GROUP)} in stack {OPERATIONS} has no egress rule"
EVERY_REQUEST = 17  # of the role: its calls' with their keys', and what Lambda does in it
UNKNOWN_DENIAL = allow("secretsmanager:Get*") | {
    "Effect": "Deny",
    "Condition": {"StringNotEquals": {"aws:SourceVpce": "vpce-1"}},
}
# What is changed, and how many findings of which words follow; two services and the nodes.
CHANGES: dict[str, tuple[Change, int, str]] = {
    "CDK's placeholder lets nothing out": (closed, 3, NO_EGRESS_RULE),
    "no egress rule at all lets everything out": (open_group, 0, ""),
    "another group's rules add up": (another_group, 0, ""),
    "egress to the nodes' group": (
        to_redis(6379, DestinationSecurityGroupId=id_of("AccessSecurityGroup")),
        2,
        "port 443",
    ),
    "egress to all subnets": (to_redis(6379, CidrIp=ALL), 2, "port 443"),
    "egress to the VPC": (to_redis(6379, CidrIp=att("Vpc", "CidrBlock")), 2, "port 443"),
    "egress to another group": (
        to_redis(6379, DestinationSecurityGroupId=id_of("EndpointsSecurityGroup")),
        3,
        NO_EGRESS_RULE,
    ),
    "egress to part of the subnets": (to_redis(6379, CidrIp=PART), 3, NO_EGRESS_RULE),
    "egress to another port": (to_redis(6380, CidrIp="0.0.0.0/0"), 3, NO_EGRESS_RULE),
    "egress by IPv6": (to_redis(6379, CidrIpv6="::/0"), 3, NO_EGRESS_RULE),
    "ingress by another protocol": (ingress(IpProtocol="udp"), 1, "no ingress rule"),
    "ingress to another port": (ingress(ToPort=6378), 1, "no ingress rule"),
    "ingress from all subnets": (ingress(CidrIp=ALL), 0, ""),
    "ingress from part of them": (ingress(CidrIp=PART), 1, "no ingress rule"),
    "endpoints admit no caller": (
        lambda changed: remove(changed, "EndpointsRotation1In"),
        2,
        f"{id_of('EndpointsSecurityGroup')} in stack {OPERATIONS} of",
    ),
    "a function in no VPC": (
        lambda changed: properties(changed, "TokenRotationFunction").pop("VpcConfig"),
        1,
        "cannot reach vibewell-redis on port 6379: it is in no VPC",
    ),
    "a denial under an unknown condition": (
        lambda changed: statements(changed).append(UNKNOWN_DENIAL),
        1,
        "condition key aws:SourceVpce: add it to",
    ),
    "a permissions boundary": (
        lambda changed: properties(changed, "TokenRotationRole").update(PermissionsBoundary="x"),
        EVERY_REQUEST,
        "has a permissions boundary",
    ),
    "a policy of AWS's that is not known": (
        lambda changed: properties(changed, "TokenRotationRole").update(
            ManagedPolicyArns=["arn:aws:iam::aws:policy/ReadOnlyAccess"]
        ),
        EVERY_REQUEST,
        "add what it says to",
    ),
    "a runtime whose connections are not recorded": (
        lambda changed: properties(changed, "TokenRotationFunction").update(Runtime="nodejs24.x"),
        1,
        "where it connects to cannot be recorded",
    ),
    "a path that takes the place of the recorder's": (
        lambda changed: variables(changed).update(PYTHONPATH="lib"),
        1,
        "where it connects to cannot be recorded",
    ),
    "nodes in another VPC": (
        nodes_elsewhere,
        1,
        f"it is in {VPC} and vibewell-redis is in vpc-2",
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_each_change_counts(name: str) -> None:
    change, many, words = CHANGES[name]
    changed = templates()
    change(changed)
    result = findings(changed)
    assert len(result) == many, result
    assert all(words in finding for finding in result)


@pytest.mark.parametrize(
    ("private_dns", "words"), [(True, []), (False, ["secretsmanager", "elasticache"])]
)
def test_a_public_name_leads_to_an_endpoint_with_private_dns(
    private_dns: bool, words: list[str]
) -> None:
    changed = templates()
    calls = by_public_names(changed)
    for name in ENDPOINTS.values():
        properties(changed, name)["PrivateDnsEnabled"] = private_dns
    result = findings(changed, calls)
    assert len(result) == len(words)
    for finding, service in zip(result, words, strict=True):
        assert f"has no endpoint for com.amazonaws.us-east-1.{service}" in finding


def test_a_call_by_another_name_than_the_environments_is_found() -> None:
    (call_by_public_name, *_) = by_public_names(templates())
    (finding,) = findings(templates(), (call_by_public_name,))
    assert "and it called the service's public name" in finding


@pytest.mark.parametrize(
    ("name", "number", "why"),
    [
        (ENDPOINTS["secretsmanager"], 0, f"is no endpoint of {VPC}"),
        ("Elsewhere", 0, f"is no endpoint of {VPC}"),
        (ENDPOINTS["elasticache"], 1, "is lost with its zone; name endpoint"),
    ],
)
def test_the_name_of_another_endpoint_or_of_one_zone_is_no_way(
    name: str, number: int, why: str
) -> None:
    changed = templates()
    theirs = copy.deepcopy(properties(changed, ENDPOINTS["elasticache"])) | {"VpcId": "vpc-2"}
    added(Elsewhere=resource("EC2::VPCEndpoint", **theirs))(changed)
    address = own_names(changed, name)[number]
    variables(changed)["AWS_ENDPOINT_URL_ELASTICACHE"] = f"https://{address}"
    (finding,) = findings(changed)
    assert f"its environment names {address}, which {why}" in finding


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
    given = {variable: url.format(own_names(changed, ENDPOINTS["elasticache"])[0])}
    properties(changed, "TokenRotationFunction")["Environment"]["Variables"] = given
    result = findings(changed)
    assert len(result) == len(CALLS) + len(CONNECTIONS)
    assert all(f"cannot be judged: {variable} in the environment" in finding for finding in result)


def test_an_endpoint_that_does_not_say_whether_it_has_private_dns_cannot_be_judged() -> None:
    changed = templates()
    del properties(changed, ENDPOINTS["elasticache"])["PrivateDnsEnabled"]
    with pytest.raises(CannotBeJudged, match="does not say whether PrivateDnsEnabled"):
        findings(changed)


def in_own_subnets(changed: Templates) -> None:
    """Function and nodes are in subnets of the deployment's."""
    for number, name in enumerate(OWN):
        subnet = resource("EC2::Subnet", VpcId="vpc-1", CidrBlock=f"10.20.{number}.0/24")
        added(**{name: subnet})(changed)
    properties(changed, "TokenRotationFunction")["VpcConfig"]["SubnetIds"] = [*OWN]
    properties(changed, "AccessSubnetGroup")["SubnetIds"] = [*OWN]


OWN = ("SubnetA", "SubnetB")
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
    changed = templates()
    in_own_subnets(changed)
    calls = by_public_names(changed)
    route = resource("EC2::Route", RouteTableId="table", DestinationCidrBlock="0.0.0.0/0", **target)
    added(Default=route)(changed)
    for name in subnets:
        of = resource("EC2::SubnetRouteTableAssociation", RouteTableId="table", SubnetId=name)
        added(**{f"{name}Route": of})(changed)
    open_group(changed)
    assert len(findings(changed, calls)) == many
    egress = [{"CidrIp": "10.0.0.0/8", "IpProtocol": "-1"}]
    properties(changed, GROUP)["SecurityGroupEgress"] = egress
    assert len(findings(changed, calls)) == 2, "it takes egress to everywhere"


@pytest.mark.parametrize(("kind", "many"), [("Private", 0), ("Isolated", 2), ("Public", 2)])
def test_private_subnets_of_a_found_vpc_lead_out_and_no_others(kind: str, many: int) -> None:
    changed = templates()
    calls = by_public_names(changed)
    open_group(changed)
    assert len(findings(changed, calls, context=look_ups(kind))) == many


def test_an_unknown_subnet_or_a_network_acl_cannot_be_judged() -> None:
    changed = templates()
    in_own_subnets(changed)
    acl = {"SubnetId": "SubnetA", "NetworkAclId": "acl-1"}
    added(Acl=resource("EC2::SubnetNetworkAclAssociation", **acl))(changed)
    result = findings(changed)
    assert len(result) == len(CALLS) + 1
    assert all("network ACL: not modelled" in finding for finding in result)
    properties(changed, "TokenRotationFunction")["VpcConfig"]["SubnetIds"] = ["subnet-9"]
    result = findings(changed)
    assert len(result) == len(CALLS) + 1
    assert all("neither a template nor cdk.context.json has subnet subnet-9" in f for f in result)
