"""Changes that harm nobody, made on our own templates: none of them is refused."""

import json

import pytest

from tests.support import Stacks
from tests.tools.review.test_data import KEY, LOG, PARAMETERS, QUEUE, VAULT, setting
from tests.tools.review.world import ALARM, GROUP, MONITORING, Change, World, reviewed
from tools.review.verdict import judge

FUNCTION = "AWS::Lambda::Function"
POLICY = "AWS::IAM::ManagedPolicy"
PARAMETER = "AWS::SSM::Parameter"


def other_code(world: World) -> None:
    world.of(FUNCTION)["Code"]["S3Key"] = f"{'0' * 64}.zip"


def reordered(world: World) -> None:
    """Statements, actions and resources in another order, single values as lists."""
    for _, _, body in [*world.resources(POLICY), *world.resources(KEY)]:
        properties = body["Properties"]
        document = properties.get("PolicyDocument") or properties["KeyPolicy"]
        document["Statement"].reverse()
        for statement in document["Statement"]:
            actions = statement["Action"]
            statement["Action"] = actions[::-1] if isinstance(actions, list) else [actions]


def split(world: World) -> None:
    """Each action in a statement of its own."""
    for _, _, body in world.resources(POLICY):
        document = body["Properties"]["PolicyDocument"]
        document["Statement"] = [
            {**statement, "Action": action}
            for statement in document["Statement"]
            for action in (
                statement["Action"]
                if isinstance(statement["Action"], list)
                else [statement["Action"]]
            )
        ]


def split_into_two_policies(world: World) -> None:
    """Half of a role's policy moves to another of the same role."""
    stack, _, role = world.where("AWS::IAM::Role", Description="health-login")
    (attached,) = role["Properties"]["ManagedPolicyArns"]
    document = world.stacks[stack].resources[attached["Ref"]]["Properties"]["PolicyDocument"]
    moved = document["Statement"].pop()
    world.add(stack, "Second", POLICY, PolicyDocument={"Statement": [moved]})
    role["Properties"]["ManagedPolicyArns"].append({"Ref": "Second"})


def less_rights(world: World) -> None:
    world.of(POLICY, Description="Read the Redis settings")["PolicyDocument"]["Statement"].pop(0)


def narrower(world: World) -> None:
    statement = world.of(POLICY, Description="Read the Redis")["PolicyDocument"]["Statement"][1]
    statement["Condition"] = {"StringEquals": {"aws:PrincipalTag/team": "web"}}


def written_as_sub(world: World) -> None:
    """The same value by other functions."""
    join = world.of(PARAMETER, Name="/REDIS_URL")["Value"]["Fn::Join"][1]
    name, attribute = join[1]["Fn::GetAtt"]
    world.of(PARAMETER, Name="/REDIS_URL")["Value"] = {
        "Fn::Sub": f"rediss://${{{name}.{attribute}}}:6379"
    }


def as_text(world: World) -> None:
    """CloudFormation takes numbers and truth values as text too."""
    world.of(GROUP).update(Port="6379", MultiAZEnabled="true", SnapshotRetentionLimit="7")


def an_alarm_more(world: World) -> None:
    alarm = json.loads(json.dumps(world.of(ALARM)))
    world.add(MONITORING, "Another", ALARM, **{**alarm, "AlarmName": "another"})


def alarms_stricter(world: World) -> None:
    for _, _, body in world.resources(ALARM):
        alarm = body["Properties"]
        step = 0.5 if alarm["ComparisonOperator"].startswith("Greater") else -0.5
        alarm["Threshold"] = alarm["Threshold"] - step
        alarm["AlarmDescription"] = "Other words"
        alarm["DatapointsToAlarm"] = 1


def an_alarm_under_another_id(world: World) -> None:
    stack, name, _ = world.where(ALARM)
    resources = world.stacks[stack].resources
    resources["SameAlarm"] = resources.pop(name)


def a_new_function(world: World) -> None:
    """With a role that may write its own log, which is new too."""
    arn = "arn:aws:logs:us-east-1:111122223333:log-group:/aws/lambda/new:log-stream:*"
    statement = {"Effect": "Allow", "Action": ["logs:PutLogEvents"], "Resource": arn}
    trust = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Service": "lambda.amazonaws.com"},
    }
    world.add(MONITORING, "NewLog", LOG, LogGroupName="/aws/lambda/new")
    world.add(
        MONITORING,
        "NewRole",
        "AWS::IAM::Role",
        AssumeRolePolicyDocument={"Statement": [trust]},
        Policies=[{"PolicyName": "x", "PolicyDocument": {"Statement": [statement]}}],
    )
    world.add(MONITORING, "New", FUNCTION, Role={"Fn::GetAtt": ["NewRole", "Arn"]}, Code={})


def more_of_everything(world: World) -> None:
    group = world.of(GROUP)
    group.update(NumCacheClusters=4, SnapshotRetentionLimit=14)
    world.of(LOG)["RetentionInDays"] = 365
    world.of(QUEUE)["Tags"] = [{"Key": "a", "Value": "b"}]


def kept_better(world: World) -> None:
    world.where(VAULT)[2]["DeletionPolicy"] = "Retain"
    world.where(LOG)[2]["DeletionPolicy"] = "Retain"
    world.where(KEY)[2]["DeletionPolicy"] = "Retain"  # as RetainExceptOnCreate, once it is there


def tags(world: World) -> None:
    for _, _, body in [*world.resources(GROUP), *world.resources(KEY), *world.resources(VAULT)]:
        body["Properties"]["Tags"] = [{"Key": "owner", "Value": "platform"}]


def unordered_lists(world: World) -> None:
    for _, _, body in world.resources("AWS::ElastiCache::SubnetGroup"):
        body["Properties"]["SubnetIds"].reverse()


def notes(world: World) -> None:
    for stack in world.stacks.values():
        stack.body["Description"] = "Other words"
        for body in stack.resources.values():
            body["Metadata"] = {"aws:cdk:path": "somewhere"}
            body.pop("DependsOn", None)


def protected(world: World) -> None:
    for stack in world.stacks.values():
        stack.artifact["properties"]["terminationProtection"] = True


HARMLESS: list[tuple[str, Change]] = [
    ("nothing", lambda _world: None),
    ("other code of a function", other_code),
    ("statements in another order", reordered),
    ("statements split", split),
    ("a policy split in two", split_into_two_policies),
    ("fewer rights", less_rights),
    ("a condition more", narrower),
    ("the same value by Fn::Sub", written_as_sub),
    ("numbers as text", as_text),
    ("an alarm more", an_alarm_more),
    ("stricter alarms", alarms_stricter),
    ("an alarm under another id", an_alarm_under_another_id),
    ("a new function", a_new_function),
    ("a replica more, longer backups and logs", more_of_everything),
    ("kept when it leaves", kept_better),
    ("tags", tags),
    ("subnets in another order", unordered_lists),
    ("descriptions, metadata, order of creation", notes),
    ("termination protection", protected),
    ("another snapshot window", setting(GROUP, "SnapshotWindow", "03:00-04:00")),
    (
        "another maintenance window",
        setting(GROUP, "PreferredMaintenanceWindow", "mon:05:00-mon:06:00"),
    ),
    ("another description", setting(GROUP, "ReplicationGroupDescription", "x")),
    ("the key described", setting(KEY, "Description", "x")),
    ("another rate limit", setting(PARAMETER, "Value", "1,60")),
    (
        "a longer idle timeout",
        lambda w: w.of(PARAMETERS)["Properties"].__setitem__("timeout", "600"),
    ),
    ("more memory for a function", setting(FUNCTION, "MemorySize", 512)),
    ("another schedule", setting("AWS::Scheduler::Schedule", "ScheduleExpression", "rate(1 hour)")),
    ("a dashboard's picture", setting("AWS::CloudWatch::Dashboard", "DashboardBody", "{}")),
]


@pytest.mark.parametrize("change", [pytest.param(one, id=name) for name, one in HARMLESS])
def test_what_harms_nobody_is_not_refused(production_stacks: Stacks, change: Change) -> None:
    review = reviewed(production_stacks, change)
    assert review.passes, [(one.resource, one.causes) for one in review.open]


@pytest.mark.parametrize(
    "change", [reordered, split, written_as_sub, as_text, unordered_lists, notes]
)
def test_what_is_only_written_otherwise_is_no_change(
    production_stacks: Stacks, change: Change
) -> None:
    assert reviewed(production_stacks, change).changes == []


def test_other_code_is_named_as_such(production_stacks: Stacks) -> None:
    (change,) = reviewed(production_stacks, other_code).changes
    assert change.new_code


def test_access_of_what_is_new_is_told_though_not_refused(production_stacks: Stacks) -> None:
    told = [one for one in reviewed(production_stacks, a_new_function).findings if not one.refused]
    assert [one.resource for one in told] == ["NewRole"]
    assert "logs:putlogevents" in told[0].causes[0] + told[0].causes[-1]


def test_an_engine_upgrade_is_told_apart_from_what_cdk_diff_says(production_stacks: Stacks) -> None:
    def upgrade(world: World) -> None:
        world.of(GROUP).update(Engine="valkey", EngineVersion="8.0", ReplicasPerNodeGroup=2)

    review = reviewed(production_stacks, upgrade)
    assert not review.replaced
    text = " ".join(review.corrected)
    assert "Engine " in text
    assert "ReplicasPerNodeGroup " in text


def test_an_environment_that_is_new_has_nothing_to_lose(production_stacks: Stacks) -> None:
    review = judge("production", ("base", {}), ("head", production_stacks))
    assert [(one.resource, one.causes) for one in review.open] == []
