"""Harm on our own templates: none of it passes. The first examples passed the tool before this."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.support import Document, Stacks
from tests.tools.impact.world import (
    ALARM,
    DATA,
    FUNCTION,
    GROUP,
    MONITORING,
    OPERATIONS,
    ROLE,
    SECRET,
    TOPIC,
    Change,
    World,
    judged,
)
from tools.command import Answer
from tools.impact.verdict import judge

SCHEDULE = "AWS::Scheduler::Schedule"
POLICY = "AWS::IAM::ManagedPolicy"
ENDPOINT = "AWS::EC2::VPCEndpoint"
LOG = "AWS::Logs::LogGroup"
ANYBODY = {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}
NEW = "vibewell-redis-production-more-warning"
INCLUDE = {"Fn::Transform": {"Name": "AWS::Include", "Parameters": {"Location": "s3://a/b"}}}
HIDDEN_TOKEN = {"Fn::Sub": ["${A}{resolve:secretsmanager:token}}", {"A": "{"}]}
TOKEN_AS_TEXT = "{{resolve:secretsmanager:token:SecretString}}"  # noqa: S105 - a reference


def setting(kind: str, path: str, value: Any, **where: Any) -> Change:
    """Another value at a path of the first resource of a type; None takes it away."""

    def change(world: World) -> None:
        place = world.of(kind, **where)
        *names, last = path.split(".")
        for name in names:
            place = place.setdefault(name, {})
        if value is None:
            del place[last]
        else:
            place[last] = value

    return change


def adding(kind: str, stack: str = DATA, **properties: Any) -> Change:
    return lambda world: world.add(stack, "More", kind, **properties)


def stating(kind: str, document: str, **statement: Any) -> Change:
    """A statement more in the first policy of a type."""
    whole = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*", **statement}
    return lambda world: world.of(kind)[document]["Statement"].append(whole)


def a_role_and_a_schedule_that_delete_the_group(world: World) -> None:
    statement = {
        "Effect": "Allow",
        "Action": "elasticache:DeleteReplicationGroup",
        "Resource": "arn:aws:elasticache:us-east-1:111122223333:replicationgroup:vibewell*",
    }
    trust = {"Principal": {"Service": "scheduler.amazonaws.com"}, "Action": "sts:AssumeRole"}
    world.add(
        OPERATIONS,
        "Cleaner",
        ROLE,
        AssumeRolePolicyDocument={"Statement": [{"Effect": "Allow", **trust}]},
        Policies=[{"PolicyName": "clean", "PolicyDocument": {"Statement": [statement]}}],
    )
    world.add(
        OPERATIONS,
        "Clean",
        SCHEDULE,
        ScheduleExpression="rate(1 minute)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={
            "Arn": "arn:aws:scheduler:::aws-sdk:elasticache:deleteReplicationGroup",
            "RoleArn": {"Fn::GetAtt": ["Cleaner", "Arn"]},
            "Input": '{"ReplicationGroupId": "vibewell-redis"}',
        },
    )


def a_false_condition(world: World) -> None:
    world.stacks[MONITORING].body["Conditions"] = {"Never": {"Fn::Equals": ["a", "b"]}}
    world.where(ALARM)[2]["Condition"] = "Never"


def a_role_reads_the_token(world: World) -> None:
    reader = {"AWS": "arn:aws:iam::111122223333:role/batch"}
    statement = {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": "*"}
    world.add(
        DATA,
        "Reader",
        "AWS::SecretsManager::ResourcePolicy",
        SecretId=world.ref(SECRET),
        ResourcePolicy={"Statement": [{**statement, "Principal": reader}]},
    )


def a_trust_of_anybody(world: World) -> None:
    condition = {"Null": {"aws:PrincipalArn": "false"}}
    statements = world.of(ROLE)["AssumeRolePolicyDocument"]["Statement"]
    statements.append({**ANYBODY, "Condition": condition})


def other_commands(world: World) -> None:
    steps = world.of("AWS::SSM::Document")["Content"]["mainSteps"]
    steps[0]["inputs"]["runCommand"] = ["redis-cli flushall"]


def no_data_for_the_wider_group(world: World) -> None:
    world.add(
        DATA,
        "Global",
        "AWS::ElastiCache::GlobalReplicationGroup",
        Members=[{"ReplicationGroupId": world.ref(GROUP), "Role": "PRIMARY"}],
    )


def code_of_another_package(world: World) -> None:
    other = world.of(FUNCTION, FunctionName="review-watch")["Code"]["S3Key"]
    world.of(FUNCTION, FunctionName="-events")["Code"]["S3Key"] = other


def tag(key: str, stack: str) -> Change:
    return lambda world: (
        world.stacks[stack].artifact["properties"].setdefault("tags", {}).update({key: "x"})
    )


def section(name: str, value: Document, stack: str = MONITORING) -> Change:
    return lambda world: world.stacks[stack].body.setdefault(name, {}).update(value)


def alarm(logical_id: str = "Another", /, **properties: Any) -> Change:
    """A copy of an alarm under a name of its own, with other properties."""

    def change(world: World) -> None:
        copied = {**json.loads(json.dumps(world.of(ALARM))), "AlarmName": NEW, **properties}
        world.add(MONITORING, logical_id, ALARM, **copied)

    return change


def twice(world: World) -> None:
    """Two new alarms of one name: CloudWatch would have the later one alone."""
    alarm()(world)
    alarm("Third")(world)


def measured(**measure: Any) -> Change:
    """A new alarm and its entry in the list that the weekly review reads."""

    def change(world: World) -> None:
        alarm()(world)
        review = world.of(FUNCTION, FunctionName="review-metrics")["Environment"]["Variables"]
        more = [*json.loads(review["MEASURES"]), {"name": "more", **measure}]
        review["MEASURES"] = json.dumps(more)

    return change


def counting(text: str) -> Change:
    """Another entry in the health check's count of alarms."""

    def change(world: World) -> None:
        health = world.of(FUNCTION, Handler="health.handler")["Environment"]["Variables"]
        parts = health["DESIRED"]["Fn::Join"][1]
        for place, part in enumerate(parts):
            if isinstance(part, str):
                parts[place] = part.replace('"alarms": {', f'"alarms": {{{text}, ', 1)

    return change


def template_of(name: str) -> Change:
    """The template that is deployed is not the one that the assembly shows."""
    return lambda world: (
        world.stacks[DATA].artifact["properties"].update(stackTemplateAssetObjectUrl=name)
    )


def publishing(**keys: Any) -> Change:
    """The CDK uploads the files of the assembly in another way."""

    def change(world: World) -> None:
        data = world.stacks[DATA]
        (way,) = data.publishing
        world.stacks[DATA] = replace(data, publishing=[way | keys])

    return change


def dashboard(**keys: Any) -> Change:
    def change(world: World) -> None:
        found = world.of("AWS::CloudWatch::Dashboard")
        found["DashboardBody"] = json.dumps({**json.loads(found["DashboardBody"]), **keys})

    return change


def widgets(change: Callable[[list[Document]], object]) -> Change:
    """Other widgets of the dashboard."""

    def changed(world: World) -> None:
        dashboard = world.of("AWS::CloudWatch::Dashboard")
        body = json.loads(dashboard["DashboardBody"])
        change(body["widgets"])
        dashboard["DashboardBody"] = json.dumps(body)

    return changed


def with_widget(**widget: Any) -> Change:
    return widgets(lambda found: found.append(widget))


def graphs(**properties: Any) -> Change:
    return widgets(lambda found: [one["properties"].update(properties) for one in found])


# Each passed the tool that listed what is dangerous.
PASSED_BEFORE: dict[str, Change] = {
    "a role and a schedule delete the group": a_role_and_a_schedule_that_delete_the_group,
    "an alarm behind a condition that is false": a_false_condition,
    "the token attached to another target": adding(
        "AWS::SecretsManager::SecretTargetAttachment", TargetType="AWS::RDS::DBInstance"
    ),
    "a global group over the group": no_data_for_the_wider_group,
    "REDIS_URL elsewhere": setting(
        "AWS::SSM::Parameter", "Value", "rediss://elsewhere:6379", Name="/REDIS_URL"
    ),
    "no reserved concurrency": setting(FUNCTION, "ReservedConcurrentExecutions", None),
    "no rotation function": setting(
        "AWS::SecretsManager::RotationSchedule", "RotationLambdaARN", None
    ),
    "a schedule that is over": setting(SCHEDULE, "EndDate", "2020-01-01T00:00:00Z"),
    "an endpoint less": lambda world: world.remove(ENDPOINT),
    "a topic that denies": setting(
        TOPIC,
        "DataProtectionPolicy",
        {"Statement": [{"Operation": {"Deny": {}}, "DataDirection": "Inbound"}]},
        TopicName="critical",
    ),
    "an event pattern that matches nothing": setting(
        "AWS::Events::Rule", "EventPattern", {"source": ["nothing"]}
    ),
    "a role reads the token by the token's policy": a_role_reads_the_token,
    "*:*": stating(POLICY, "PolicyDocument", Action="*:*"),
    "anybody under a Null condition": a_trust_of_anybody,
    "logs to another account": adding(
        "AWS::Logs::SubscriptionFilter",
        LogGroupName="/vibewell/redis",
        FilterPattern="",
        DestinationArn="arn:aws:logs:us-east-1:444455556666:destination:theirs",
    ),
    "other commands on the servers": other_commands,
}

# A member of each kind that a rule could be too wide for, and of each path to data and people.
ASKS: dict[str, Change] = {
    # Data and token.
    "the group is not kept": lambda world: world.where(GROUP)[2].pop("DeletionPolicy"),
    "tags of the user": setting("AWS::ElastiCache::User", "Tags", [{"Key": "a", "Value": "b"}]),
    "a tag by which a rotation remembers": setting(
        SECRET, "Tags", [{"Key": "redis-token:sent", "Value": "x"}]
    ),
    "the token as a description": setting(FUNCTION, "Description", TOKEN_AS_TEXT),
    "the token as a tag": setting(TOPIC, "Tags", [{"Key": "a", "Value": TOKEN_AS_TEXT}]),
    "the token as an output": section("Outputs", {"More": {"Value": TOKEN_AS_TEXT}}),
    "an attribute as an output": section(
        "Outputs", {"More": {"Value": {"Fn::GetAtt": ["RedisGroup88ACAA33", "Port"]}}}, DATA
    ),
    "shorter logs": setting(LOG, "RetentionInDays", 1),
    "permanent logs": setting(LOG, "RetentionInDays", None),
    "logs kept for a text": setting(LOG, "RetentionInDays", "365"),
    # Code and whoever runs it.
    "code of no assembly": setting(FUNCTION, "Code.S3Key", f"{'0' * 64}.zip"),
    "code of another package": code_of_another_package,
    "code of another version": setting(
        FUNCTION, "Code.S3ObjectVersion", "1", FunctionName="-events"
    ),
    "code in the template": setting(FUNCTION, "Code", {"ZipFile": "x"}, FunctionName="-events"),
    "another handler": setting(FUNCTION, "Handler", "shared.line.handler", FunctionName="-events"),
    "a variable of its process": setting(FUNCTION, "Environment.Variables.PYTHONPATH", "x"),
    # Access.
    "a rule's text": setting("AWS::EC2::SecurityGroupIngress", "Description", "x"),
    # Alarms and people.
    "a new alarm that acts": alarm(AlarmActions=["arn:aws:automate:us-east-1:ec2:terminate"]),
    "a new alarm of a name that is taken": alarm(
        AlarmName="vibewell-redis-production-memory-critical"
    ),
    "a new alarm that the health check counts for another": alarm(
        AlarmName="vibewell-redis-production-memory-critical-part-2"
    ),
    "a resource of CDK's type": lambda world: world.where(GROUP)[2].update(
        Type="AWS::CDK::Metadata"
    ),
    "a dashboard that is no JSON": setting("AWS::CloudWatch::Dashboard", "DashboardBody", "{"),
    "tags that are none": setting(TOPIC, "Tags", 5),
    "tags that are text": setting(TOPIC, "Tags", ["x"]),
    "a measure without a name": setting(
        FUNCTION, "Environment.Variables.MEASURES", '[{"name": ""}]', FunctionName="review-metrics"
    ),
    "a new alarm with the token as text": alarm(AlarmDescription=TOKEN_AS_TEXT),
    "a widget that calls a function": with_widget(
        type="custom", properties={"endpoint": "arn:aws:lambda:::function:x"}
    ),
    "the token on the dashboard": with_widget(type="text", properties={"markdown": TOKEN_AS_TEXT}),
    "an expression that calls a function": with_widget(
        type="metric", properties={"metrics": [[{"expression": "LAMBDA('x')"}]]}
    ),
    "graphs of another Region": graphs(region="eu-west-1"),
    "a new alarm that an include completes": alarm(**INCLUDE),
    "a new alarm with the token in parts": alarm(AlarmDescription=HIDDEN_TOKEN),
    "a new alarm over another environment's": alarm(
        AlarmName="vibewell-redis-staging-memory-critical"
    ),
    "a new alarm over one by reference": alarm(AlarmName={"Ref": "AlarmsMemoryWarningF72A1B3B"}),
    "a new alarm that is off": alarm(ActionsEnabled=False),
    "a new alarm without a receiver": alarm(AlarmActions=[]),
    "a new alarm that notifies a function alone": lambda world: world.add(
        DATA, "More", ALARM, AlarmName=NEW, AlarmActions=[world.ref(TOPIC, TopicName="events")]
    ),
    "two new alarms of a name": twice,
    "a measure that the review cannot read": measured(warning=1, metrics=["Evictions"], more=1),
    "a measure of an unknown statistic": measured(
        warning=1, metrics=["Evictions"], statistic="Nothing"
    ),
    "a measure without a metric": measured(warning=1),
    "a count of a measure": counting('"memory": 2'),
    "the dashboard of another time": dashboard(start="2020-01-01T00:00:00Z"),
    "the dashboard by a variable": dashboard(
        variables=[{"type": "property", "property": "region", "defaultValue": "eu-west-1"}]
    ),
    "graphs of another time": graphs(start="2020-01-01T00:00:00Z", end="2020-01-02T00:00:00Z"),
    "graphs of another account": graphs(accountId="444455556666"),
    "alarms shown only while they are well": graphs(states=["OK"]),
    "the lines of the thresholds": graphs(annotations={"horizontal": [{"value": 999}]}),
    "a tag that a controller acts by": setting(
        "AWS::EC2::SecurityGroup", "Tags", [{"Key": "kubernetes.io/cluster/x", "Value": "owned"}]
    ),
    "a tag of a role": setting(ROLE, "Tags", [{"Key": "team", "Value": "admin"}]),
    "a text that its service refuses": setting(GROUP, "ReplicationGroupDescription", " "),
    "a text that is too long": setting(FUNCTION, "Description", "x" * 300),
    "a retention that there is not": setting(LOG, "RetentionInDays", 9999),
    "no dashboard": setting("AWS::CloudWatch::Dashboard", "DashboardBody", '{"widgets":[]}'),
    # Stacks.
    "a template of another bucket": template_of("s3://other/x.json"),
    "a template that is no part of the assembly": template_of(
        f"s3://cdk-hnb659fds-assets-111122223333-us-east-1/{'0' * 64}.json"
    ),
    "another role that uploads": publishing(assumeRoleArn="arn:aws:iam::999988887777:role/other"),
    "a program that makes an asset": publishing(executable=["sh", "-c", "curl example.com"]),
    "CDK's metadata by an include": lambda world: world.where(FUNCTION)[2].update(
        Metadata={"aws:cdk:path": INCLUDE}
    ),
    "CDK's metadata from another stack": lambda world: world.where(FUNCTION)[2].update(
        Metadata={"aws:cdk:path": {"Ref": "RedisGroup88ACAA33"}}
    ),
    "a key that reads like a path": lambda world: world.of(GROUP).update({"Tags.x": "y"}),
    "a stack less": lambda world: world.stacks.pop(MONITORING),
    "a tag of a stack with a user": tag("team", DATA),
    "a tag that a target selects by": tag("role", MONITORING),
    "a parameter": section("Parameters", {"A": {"Type": "String", "Default": "x"}}),
    "metadata that a service reads": lambda world: world.where(FUNCTION)[2].update(
        Metadata={"AWS::CloudFormation::Init": {}}
    ),
    "a widget that reads logs": lambda world: world.of("AWS::CloudWatch::Dashboard").update(
        DashboardBody='{"widgets": [{"type": "log", "properties": {}}]}'
    ),
    "the token in CDK's own record": adding("AWS::CDK::Metadata", Analytics=TOKEN_AS_TEXT),
    "the token in CDK's metadata": lambda world: world.where(FUNCTION)[2].update(
        Metadata={"aws:cdk:path": TOKEN_AS_TEXT}
    ),
}


@pytest.mark.parametrize("name", [*PASSED_BEFORE, *ASKS])
def test_what_may_harm_asks(production_stacks: Stacks, name: str) -> None:
    impact = judged(production_stacks, (PASSED_BEFORE | ASKS)[name])
    assert not impact.passes
    assert impact.open, impact.harmless


@pytest.mark.parametrize("section", ["Resources", "Outputs"])
def test_a_malformed_template_is_one_message(production_stacks: Stacks, section: str) -> None:
    with pytest.raises(Answer, match="a template is malformed"):
        judged(production_stacks, lambda world: world.stacks[DATA].body.update({section: {"A": 1}}))


def test_the_loss_of_each_property_of_each_type_asks_but_for_text_and_tags(
    production_stacks: Stacks,
) -> None:
    """The default, for what no row above names: one property of each type at a time."""
    first = {body["Type"]: (stack.name, name) for stack in production_stacks.values()
             for name, body in stack.resources.items()}  # fmt: skip
    quiet, tried = set(), 0
    for number in range(30):
        world, lost = World(production_stacks), {}
        for kind, (stack, name) in first.items():
            properties = world.stacks[stack].resources[name]["Properties"]
            # A change of the nodes' number or size takes what follows into its own question.
            keys = [key for key in properties if key not in ("CacheNodeType", "NumCacheClusters")]
            if keys[number:]:
                del properties[keys[number]]
                lost[stack, name] = f"{kind} {keys[number]}"
        impact = judge("production", ("base", production_stacks), ("head", world.stacks))
        asked = {one.address for one in impact.open}
        quiet |= {what for address, what in lost.items() if address not in asked}
        tried += len(lost)
    assert tried > 150
    assert {what for what in quiet if not what.endswith(("Description", " Tags"))} == set()
