"""Access widened on our own templates: each is refused, and named for what it is."""

from typing import Any

import pytest

from tests.support import Stacks
from tests.tools.review.test_data import KEY, SECURITY
from tests.tools.review.world import (
    DATA,
    GROUP,
    MONITORING,
    OPERATIONS,
    Change,
    World,
    found,
    reviewed,
)
from tools.review.findings import What
from tools.review.network import ENDPOINT

ROLE = "AWS::IAM::Role"
POLICY = "AWS::IAM::ManagedPolicy"
INGRESS = "AWS::EC2::SecurityGroupIngress"
PERMISSION = "AWS::Lambda::Permission"
TOPIC_POLICY = "AWS::SNS::TopicPolicy"
READ = "Read the Redis settings"
FUNCTION = "AWS::Lambda::Function"


def statement(effect: str = "Allow", **parts: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": "secretsmanager:GetSecretValue", "Resource": "*", **parts}


def allowed(kind: str, document: str, **parts: Any) -> Change:
    """A statement more in the first policy of a type."""
    return lambda world: world.of(kind)[document]["Statement"].append(statement(**parts))


def another_action(world: World) -> None:
    world.of(POLICY, Description=READ)["PolicyDocument"]["Statement"][1]["Action"].append(
        "secretsmanager:PutSecretValue"
    )


def another_resource(world: World) -> None:
    world.of(POLICY, Description=READ)["PolicyDocument"]["Statement"][0]["Resource"].append("*")


def no_condition(world: World) -> None:
    del world.of(POLICY, Description=READ)["PolicyDocument"]["Statement"][2]["Condition"]


def wider_condition(world: World) -> None:
    condition = world.of(POLICY, Description=READ)["PolicyDocument"]["Statement"][2]["Condition"]
    condition["StringEquals"]["kms:ViaService"] = ["secretsmanager.us-east-1.amazonaws.com", "x"]


def all_but_one(world: World) -> None:
    one = statement(NotAction="iam:CreateUser")
    del one["Action"]
    world.of(POLICY, Description=READ)["PolicyDocument"]["Statement"].append(one)


def no_refusal(world: World) -> None:
    document = world.of(TOPIC_POLICY)["PolicyDocument"]
    document["Statement"] = [one for one in document["Statement"] if one["Effect"] == "Allow"]


def topic_of_anybody(world: World) -> None:
    document = world.of(TOPIC_POLICY, Topics=[{"Ref": "EventsD32975C2"}])["PolicyDocument"]
    del document["Statement"][1]["Condition"]


def another_may_log_in(world: World) -> None:
    rule = dict(world.of(INGRESS, Description="Application servers"))
    world.add(DATA, "More", INGRESS, **{**rule, "SourceSecurityGroupId": "sg-more"})


def everybody_may_connect(world: World) -> None:
    rule = dict(world.of(INGRESS, Description="Application servers"))
    del rule["SourceSecurityGroupId"]
    world.add(DATA, "More", INGRESS, **rule, CidrIp="0.0.0.0/0")


def another_owners_group(world: World) -> None:
    rule = dict(world.of(INGRESS, Description="Application servers"))
    world.add(DATA, "More", INGRESS, **{**rule, "GroupId": "sg-0a1b2c3d4e5f60718"})


def more_ports(world: World) -> None:
    world.of(INGRESS, Description="Application servers")["FromPort"] = 1


def inline_rule(world: World) -> None:
    world.of(SECURITY)["SecurityGroupIngress"] = [
        {"IpProtocol": "-1", "CidrIpv6": "::/0"},
    ]


def everything_goes_out(world: World) -> None:
    del world.of(SECURITY)["SecurityGroupEgress"]


def a_group_more(world: World) -> None:
    world.of(GROUP)["SecurityGroupIds"].append("sg-default")


def a_function_joins(world: World) -> None:
    world.of(FUNCTION, FunctionName="health-login")["VpcConfig"]["SecurityGroupIds"].append("sg-1")


def policy_of_aws(world: World) -> None:
    world.of(ROLE)["ManagedPolicyArns"] = [
        *world.of(ROLE).get("ManagedPolicyArns", []),
        "arn:aws:iam::aws:policy/AdministratorAccess",
    ]


def moved_policy(world: World) -> None:
    """Another role gets a policy that was another's alone."""
    _, _, login = world.where(ROLE, Description="health-login")
    world.of(ROLE, Description="Function vibewell-redis-production-health")
    (policy,) = login["Properties"]["ManagedPolicyArns"]
    for _, name, body in world.resources(ROLE):
        if name.startswith("HealthRole"):
            body["Properties"]["ManagedPolicyArns"].append(policy)


def trusted_by_another_account(world: World) -> None:
    world.of(ROLE)["AssumeRolePolicyDocument"]["Statement"].append(
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "444455556666"}}
    )


def anybody_may_invoke(world: World) -> None:
    world.add(
        OPERATIONS,
        "Open",
        PERMISSION,
        Action="lambda:InvokeFunction",
        Principal="*",
        FunctionName={"Ref": world.where(FUNCTION)[1]},
    )


def an_address_on_the_internet(world: World) -> None:
    world.add(OPERATIONS, "Url", "AWS::Lambda::Url", AuthType="NONE")


def a_way_from_the_internet(world: World) -> None:
    world.add(DATA, "Gateway", "AWS::EC2::InternetGateway")


def new_role(action: str, resource: Any) -> Change:
    """A role that is new, and may reach what is there."""

    def change(world: World) -> None:
        document = {"Statement": [statement(Action=action, Resource=resource)]}
        policies = [{"PolicyName": "x", "PolicyDocument": document}]
        world.add(DATA, "NewRole", ROLE, AssumeRolePolicyDocument={}, Policies=policies)

    return change


def guardrail_gone(world: World) -> None:
    del world.of("AWS::Chatbot::SlackChannelConfiguration")["GuardrailPolicies"]


GROUP_ARN = "arn:aws:elasticache:us-east-1:111122223333:replicationgroup:vibewell-redis"
LOG_POLICY = "AWS::Logs::ResourcePolicy"


def logs_of_anybody(world: World) -> None:
    properties = world.of(LOG_POLICY)
    properties["PolicyDocument"] = (
        properties["PolicyDocument"]
        .replace('"Service": "delivery.logs.amazonaws.com"', '"AWS": "*"')
        .replace("aws:SourceA", "aws:RequestA")
    )


WIDENED: list[tuple[str, Change, str]] = [
    ("an action more", another_action, POLICY),
    ("every resource", another_resource, POLICY),
    ("a condition less", no_condition, POLICY),
    ("a value more in a condition", wider_condition, POLICY),
    ("all but one action", all_but_one, POLICY),
    ("every action", allowed(POLICY, "PolicyDocument", Action="secretsmanager:*"), POLICY),
    ("a policy of AWS's", policy_of_aws, ROLE),
    ("another role gets a policy", moved_policy, ROLE),
    ("another account is trusted", trusted_by_another_account, ROLE),
    (
        "anybody in the key's policy",
        allowed(KEY, "KeyPolicy", Action="kms:Decrypt", Principal="*"),
        KEY,
    ),
    (
        "a service more in the key's policy",
        allowed(KEY, "KeyPolicy", Action="kms:Decrypt", Principal={"Service": "x.amazonaws.com"}),
        KEY,
    ),
    ("a refusal less", no_refusal, TOPIC_POLICY),
    ("a topic open to anybody", topic_of_anybody, TOPIC_POLICY),
    ("logs open to anybody, in a policy that is text", logs_of_anybody, LOG_POLICY),
    ("another group may log in", another_may_log_in, SECURITY),
    ("everybody may connect", everybody_may_connect, SECURITY),
    ("more ports", more_ports, SECURITY),
    ("another owner's group is opened", another_owners_group, SECURITY),
    ("every address, in a rule of the group's own", inline_rule, SECURITY),
    ("everything goes out", everything_goes_out, SECURITY),
    ("a security group more on the data", a_group_more, GROUP),
    ("a function joins another group", a_function_joins, FUNCTION),
    ("anybody may invoke", anybody_may_invoke, FUNCTION),
    ("a function with an address", an_address_on_the_internet, "AWS::Lambda::Url"),
    ("a way from the internet", a_way_from_the_internet, "AWS::EC2::InternetGateway"),
    (
        "a new role reads the token",
        new_role("secretsmanager:GetSecretValue", {"Ref": "TokenSecretD0591E06"}),
        ROLE,
    ),
    ("a new role reads every secret", new_role("secretsmanager:GetSecretValue", "*"), ROLE),
    (
        "a new role by a wildcard",
        new_role("kms:Decrypt", "arn:aws:kms:us-east-1:111122223333:key/*"),
        ROLE,
    ),
    (
        "a new role deletes the group",
        new_role("elasticache:DeleteReplicationGroup", GROUP_ARN),
        ROLE,
    ),
    ("a new role may do all", new_role("*", "arn:aws:s3:::bucket"), ROLE),
    ("no guardrail", guardrail_gone, "AWS::Chatbot::SlackChannelConfiguration"),
]


@pytest.mark.parametrize(
    ("change", "kind"), [pytest.param(change, kind, id=name) for name, change, kind in WIDENED]
)
def test_no_widened_access_passes_and_each_is_named(
    production_stacks: Stacks, change: Change, kind: str
) -> None:
    review = reviewed(production_stacks, change)
    assert not review.passes
    assert found(review, What.WIDEN, kind), review.findings


def test_what_is_open_to_all_is_called_so(production_stacks: Stacks) -> None:
    (rule,) = found(reviewed(production_stacks, everybody_may_connect), What.WIDEN, SECURITY)
    assert rule.effect == "Open to every address."
    assert rule.causes == ("in from 0.0.0.0/0, tcp 6379",)
    (topic,) = found(reviewed(production_stacks, topic_of_anybody), What.WIDEN, TOPIC_POLICY)
    assert "(anybody)" in topic.causes[0]


@pytest.mark.parametrize("value", [True, "true", None])
def test_private_dns_in_a_network_that_is_there_is_refused(
    production_stacks: Stacks, value: object
) -> None:
    def private_dns(world: World) -> None:
        endpoint = world.of(ENDPOINT, ServiceName="secretsmanager")
        del endpoint["PrivateDnsEnabled"]
        if value is not None:
            endpoint["PrivateDnsEnabled"] = value

    review = reviewed(production_stacks, private_dns)
    (finding,) = found(review, What.INTERRUPT, ENDPOINT)
    assert finding.causes == ("private DNS for com.amazonaws.us-east-1.secretsmanager",)
    world = World(production_stacks)
    private_dns(world)
    assert found(reviewed(world.stacks), What.INTERRUPT, ENDPOINT) == []


def test_private_dns_in_a_network_that_is_new_concerns_nobody(production_stacks: Stacks) -> None:
    def own_network(world: World) -> None:
        world.add(DATA, "Vpc", "AWS::EC2::VPC", CidrBlock="10.0.0.0/20")
        service = {"VpcEndpointType": "Interface", "ServiceName": "com.amazonaws.us-east-1.ssm"}
        world.add(DATA, "Ssm", ENDPOINT, VpcId={"Ref": "Vpc"}, PrivateDnsEnabled=True, **service)

    assert reviewed(production_stacks, own_network).passes


def test_a_narrower_rule_beside_a_wider_one_opens_nothing(production_stacks: Stacks) -> None:
    def with_range(world: World) -> None:
        rule = dict(world.of(INGRESS, Description="Application servers"))
        del rule["SourceSecurityGroupId"]
        world.add(MONITORING, "Range", INGRESS, **rule, CidrIp="10.0.0.0/8")

    base = World(production_stacks)
    with_range(base)

    def narrower(world: World) -> None:
        world.of(INGRESS, CidrIp="10.0.0.0/8")["CidrIp"] = "10.1.0.0/16"

    review = reviewed(base.stacks, narrower)
    assert found(review, What.WIDEN, SECURITY) == []
