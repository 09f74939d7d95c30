"""Harm on our own templates: none of it passes. The first examples passed the tool before this."""

import json
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

SCHEDULE = "AWS::Scheduler::Schedule"
POLICY = "AWS::IAM::ManagedPolicy"
ENDPOINT = "AWS::EC2::VPCEndpoint"
LOG = "AWS::Logs::LogGroup"
ANYBODY = {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}
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


def under_another_id(kind: str) -> Change:
    def change(world: World) -> None:
        stack, name, _ = world.where(kind)
        world.stacks[stack].resources["Other"] = world.stacks[stack].resources.pop(name)

    return change


def option(name: str, value: Any, stack: str = DATA) -> Change:
    return lambda world: world.stacks[stack].artifact["properties"].__setitem__(name, value)


def tag(key: str, stack: str) -> Change:
    return lambda world: (
        world.stacks[stack].artifact["properties"].setdefault("tags", {}).update({key: "x"})
    )


def section(name: str, value: Document, stack: str = MONITORING) -> Change:
    return lambda world: world.stacks[stack].body.setdefault(name, {}).update(value)


def alarm(**properties: Any) -> Change:
    """A copy of an alarm under a name of its own, with other properties."""

    def change(world: World) -> None:
        copied = json.loads(json.dumps(world.of(ALARM)))
        world.add(MONITORING, "Another", ALARM, **{**copied, "AlarmName": "another", **properties})

    return change


def a_custom_widget(world: World) -> None:
    dashboard = world.of("AWS::CloudWatch::Dashboard")
    body = json.loads(dashboard["DashboardBody"])
    widget = {"type": "custom", "properties": {"endpoint": "arn:aws:lambda:::function:x"}}
    dashboard["DashboardBody"] = json.dumps({**body, "widgets": [*body["widgets"], widget]})


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
    "the group under another id": under_another_id(GROUP),
    "another port": setting(GROUP, "Port", 6380),
    "longer backups": setting(GROUP, "SnapshotRetentionLimit", 30),
    "another snapshot window": setting(GROUP, "SnapshotWindow", "03:00-04:00"),
    "an unknown property": setting(GROUP, "Newfangled", "on"),
    "the group is not kept": lambda world: world.where(GROUP)[2].pop("DeletionPolicy"),
    "shards replace": lambda world: world.where(GROUP)[2].pop("UpdatePolicy"),
    "a new random token": setting(SECRET, "GenerateSecretString.PasswordLength", 32),
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
    "logs for ever": setting(LOG, "RetentionInDays", None),
    "logs kept for a text": setting(LOG, "RetentionInDays", "365"),
    # Code and whoever runs it.
    "code of no assembly": setting(FUNCTION, "Code.S3Key", f"{'0' * 64}.zip"),
    "code of another package": code_of_another_package,
    "code of another version": setting(
        FUNCTION, "Code.S3ObjectVersion", "1", FunctionName="-events"
    ),
    "code in the template": setting(FUNCTION, "Code", {"ZipFile": "x"}, FunctionName="-events"),
    "another handler": setting(FUNCTION, "Handler", "shared.line.handler", FunctionName="-events"),
    "another role": setting(FUNCTION, "Role", "arn:aws:iam::111122223333:role/admin"),
    "a layer": setting(FUNCTION, "Layers", ["arn:aws:lambda:us-east-1:444455556666:layer:x:1"]),
    "a shorter time": setting(FUNCTION, "Timeout", 1),
    "a variable of its process": setting(FUNCTION, "Environment.Variables.PYTHONPATH", "x"),
    "another hour": setting(SCHEDULE, "ScheduleExpression", "rate(30 days)"),
    "an order of creation": lambda world: world.where("AWS::SecretsManager::RotationSchedule")[
        2
    ].pop("DependsOn"),
    # Access.
    "fewer rights": lambda world: world.of(POLICY)["PolicyDocument"]["Statement"].pop(),
    "NotAction": stating(POLICY, "PolicyDocument", NotAction="iam:*"),
    "NotPrincipal": stating("AWS::KMS::Key", "KeyPolicy", NotPrincipal={"AWS": "1"}),
    "a boundary": setting(ROLE, "PermissionsBoundary", "arn:aws:iam::aws:policy/ReadOnlyAccess"),
    "a rule's text": setting("AWS::EC2::SecurityGroupIngress", "Description", "x"),
    "a peer network": adding("AWS::EC2::VPCPeeringConnection", VpcId="vpc-1", PeerVpcId="vpc-2"),
    # Alarms and people.
    "a higher threshold": setting(ALARM, "Threshold", 99),
    "a threshold that always fires": setting(ALARM, "Threshold", -1),
    "a metric of nobody": setting(ALARM, "Namespace", "Nobody", AlarmName="event"),
    "no actions": setting(ALARM, "ActionsEnabled", False),
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
    "a measure without a name": setting(
        FUNCTION, "Environment.Variables.MEASURES", '[{"name": ""}]', FunctionName="review-metrics"
    ),
    "a new alarm with the token as text": alarm(AlarmDescription=TOKEN_AS_TEXT),
    "another channel": setting("AWS::Chatbot::SlackChannelConfiguration", "SlackChannelId", "C0"),
    "a filter of a subscription": setting(
        "AWS::SNS::Subscription", "FilterPolicy", {"a": ["b"]}, Protocol="https"
    ),
    "a widget that calls a function": a_custom_widget,
    "no dashboard": setting("AWS::CloudWatch::Dashboard", "DashboardBody", '{"widgets":[]}'),
    # Stacks.
    "a stack less": lambda world: world.stacks.pop(MONITORING),
    "another region": lambda world: world.stacks[DATA].artifact.update(
        environment="aws://111122223333/eu-west-1"
    ),
    "no termination protection": option("terminationProtection", False),
    "another role of CloudFormation": option("cloudFormationExecutionRoleArn", "arn:x"),
    "a tag of a stack with a user": tag("team", DATA),
    "a tag that a target selects by": tag("role", MONITORING),
    "a mapping": section("Mappings", {"A": {"b": {"c": "d"}}}),
    "a transform": section("Transform", {"Name": "x"}),
    "a parameter": section("Parameters", {"A": {"Type": "String", "Default": "x"}}),
    "metadata that a service reads": lambda world: world.where(FUNCTION)[2].update(
        Metadata={"AWS::CloudFormation::Init": {}}
    ),
}


# Of types and properties that the lists above leave out: what a reviewer would try next.
TRIED_NEXT: dict[str, Change] = {
    "a user without a password": setting("AWS::ElastiCache::User", "NoPasswordRequired", True),
    "a user with every right": setting("AWS::ElastiCache::User", "AccessString", "on ~* +@all"),
    "a user group without its user": setting("AWS::ElastiCache::UserGroup", "UserIds", []),
    "no eviction": setting(
        "AWS::ElastiCache::ParameterGroup", "Properties.maxmemory-policy", "noeviction"
    ),
    "a zone less": lambda world: world.of("AWS::ElastiCache::SubnetGroup")["SubnetIds"].pop(),
    "the way to Redis from everywhere": setting(
        "AWS::EC2::SecurityGroupIngress", "CidrIp", "0.0.0.0/0"
    ),
    "a way out": adding(
        "AWS::EC2::SecurityGroupEgress", GroupId="sg-1", IpProtocol="-1", CidrIp="0.0.0.0/0"
    ),
    "an endpoint that admits nothing": setting(ENDPOINT, "PolicyDocument", {"Statement": []}),
    "a key that is off": setting("AWS::KMS::Key", "Enabled", False),
    "a key that is not rotated": setting("AWS::KMS::Key", "EnableKeyRotation", False),
    "a token without its key": setting(SECRET, "KmsKeyId", None),
    "a token in another Region": setting(SECRET, "ReplicaRegions", [{"Region": "eu-west-1"}]),
    "logs without a key": setting(LOG, "KmsKeyId", None),
    "logs of another class": setting(LOG, "LogGroupClass", "INFREQUENT_ACCESS"),
    "pages without their shape": setting(
        "AWS::SNS::Subscription", "RawMessageDelivery", True, Protocol="https"
    ),
    "a topic in the clear": setting(TOPIC, "KmsMasterKeyId", None, TopicName="critical"),
    "a topic that nobody may write to": lambda world: world.of("AWS::SNS::TopicPolicy")[
        "PolicyDocument"
    ].update(Statement=[]),
    "an alarm without data is well": setting(ALARM, "TreatMissingData", "notBreaching"),
    "an alarm that waits a day": setting(ALARM, "DatapointsToAlarm", 1440),
    "a rule that is off": setting("AWS::Events::Rule", "State", "DISABLED"),
    "a rule with other targets": setting("AWS::Events::Rule", "Targets", []),
    "a mute over the alarms": adding(
        "AWS::CloudWatch::CompositeAlarm",
        MONITORING,
        AlarmRule="FALSE",
        ActionsSuppressor="memory-critical",
    ),
    "a schedule at another end": setting(SCHEDULE, "Target.Input", "{}"),
    "another machine of the recovery test": setting(
        "AWS::StepFunctions::StateMachine", "DefinitionString", '{"StartAt": "x"}'
    ),
    "code from outside the network": setting(FUNCTION, "VpcConfig", None, Handler="rotation"),
    "an older runtime": setting(FUNCTION, "Runtime", "python3.8"),
    "a function that anybody calls": adding(
        "AWS::Lambda::Url", OPERATIONS, AuthType="NONE", TargetFunctionArn="x"
    ),
    "a permission for another account": setting("AWS::Lambda::Permission", "Principal", "*"),
    "limits that limit nobody": setting(
        "AWS::SSM::Parameter", "Value", "999999,60", Name="/RATE_LIMIT_AUTH"
    ),
    "commands on every server": setting("AWS::SSM::Association", "Targets", [{"Key": "tag:x"}]),
    "reports that anybody reads": setting(
        "AWS::S3::Bucket", "PublicAccessBlockConfiguration", None
    ),
    "reports that go": setting(
        "AWS::S3::Bucket", "LifecycleConfiguration", {"Rules": [{"ExpirationInDays": 1}]}
    ),
    "a resource of nobody": adding("Custom::Anything", ServiceToken="arn:aws:lambda:::function:x"),
    "a widget that reads logs": lambda world: world.of("AWS::CloudWatch::Dashboard").update(
        DashboardBody='{"widgets": [{"type": "log", "properties": {}}]}'
    ),
    "the token in CDK's own record": adding("AWS::CDK::Metadata", Analytics=TOKEN_AS_TEXT),
    "the token in CDK's metadata": lambda world: world.where(FUNCTION)[2].update(
        Metadata={"aws:cdk:path": TOKEN_AS_TEXT}
    ),
    "rules of the template": section("Rules", {"A": {"Assertions": []}}),
    "a hook": section("Hooks", {"A": {"Type": "AWS::CodeDeploy::BlueGreen"}}),
}


@pytest.mark.parametrize("name", [*PASSED_BEFORE, *ASKS, *TRIED_NEXT])
def test_what_may_harm_asks(production_stacks: Stacks, name: str) -> None:
    impact = judged(production_stacks, (PASSED_BEFORE | ASKS | TRIED_NEXT)[name])
    assert not impact.passes
    assert impact.open, impact.harmless
