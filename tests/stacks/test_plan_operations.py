"""The rotation of the token as the template makes it: who may call it, and what it may reach."""

import json
import re
from typing import Any

import pytest

from environments.schema import Settings
from tests.stacks import template
from tests.stacks.template import PREFIX, private_subnets
from tests.support import Stacks, Synth
from tests.variants import changed
from tools.assembly import Document, Stack

ROTATION = f"{PREFIX}-rotation"
SECRET_EXPORT = "ExportsOutputRefTokenSecret"  # noqa: S105 - the name of an export


@pytest.fixture(scope="module")
def function(operations: Stack) -> Document:
    return template.function(operations, "rotation")


@pytest.mark.plan("2.3", "7.3")
def test_the_token_is_rotated_quarterly_and_never_by_a_deployment(operations: Stack) -> None:
    schedule = operations.only("AWS::SecretsManager::RotationSchedule")
    assert schedule["RotationRules"] == {
        "ScheduleExpression": "cron(0 10 15 1/3 ? *)",
        "Duration": "4h",
    }
    assert schedule["RotateImmediatelyOnUpdate"] is False
    assert SECRET_EXPORT in json.dumps(schedule["SecretId"])


@pytest.mark.plan("2.3")
def test_rotation_waits_for_its_permission_its_rules_and_its_endpoints(operations: Stack) -> None:
    # Secrets Manager runs testSecret while the stack is made: everything must be there by then.
    schedule, _ = operations.one("AWS::SecretsManager::RotationSchedule")
    needed = operations.resources[schedule]["DependsOn"]
    assert {operations.resources[name]["Type"] for name in needed} >= {
        "AWS::EC2::SecurityGroupEgress",
        "AWS::EC2::SecurityGroupIngress",
        "AWS::EC2::VPCEndpoint",
        "AWS::IAM::ManagedPolicy",
        "AWS::Lambda::Permission",
    }


@pytest.mark.plan("2.3")
def test_only_secrets_manager_for_this_secret_may_invoke_it(operations: Stack) -> None:
    permission = operations.only("AWS::Lambda::Permission")
    assert permission["Principal"] == "secretsmanager.amazonaws.com"
    assert permission["SourceAccount"] == "111122223333"
    assert SECRET_EXPORT in json.dumps(permission["SourceArn"])


def test_two_of_them_never_run_at_once(function: Document) -> None:
    assert function["ReservedConcurrentExecutions"] == 1


def test_it_runs_in_private_subnets_in_a_group_of_its_own(
    operations: Stack, function: Document, context: dict[str, Any]
) -> None:
    within = function["VpcConfig"]
    assert within["SubnetIds"] == [one["subnetId"] for one in private_subnets(context)]
    (group,) = within["SecurityGroupIds"]
    assert group_name(operations, group) == ROTATION


def test_it_gets_out_to_redis_and_the_endpoints_and_nowhere_else(operations: Stack) -> None:
    # CDK's own rule of a group without egress matches nothing.
    for group in operations.of_type("AWS::EC2::SecurityGroup").values():
        assert [rule["CidrIp"] for rule in group["SecurityGroupEgress"]] == ["255.255.255.255/32"]
    ways = {
        rule["FromPort"]: rule
        for rule in operations.of_type("AWS::EC2::SecurityGroupEgress").values()
    }
    assert set(ways) == {443, 6379}
    for rule in ways.values():
        assert "DestinationSecurityGroupId" in rule
        assert not {key for key in rule if key.startswith("Cidr")}
    services = {
        endpoint["ServiceName"].rsplit(".", 1)[-1]
        for endpoint in operations.of_type("AWS::EC2::VPCEndpoint").values()
    }
    assert services == {"secretsmanager", "elasticache"}


def test_it_may_touch_one_secret_one_user_and_one_key(operations: Stack) -> None:
    allowed = dict(template.permitted(operations, f"What {ROTATION} may do"))
    cache = "arn:aws:elasticache:us-east-1:111122223333"
    assert {action: on for action, on in allowed.items() if action.startswith("elasticache:")} == {
        "elasticache:DescribeReplicationGroups": f"{cache}:replicationgroup:vibewell-redis",
        "elasticache:DescribeCacheClusters": f"{cache}:cluster:vibewell-redis-0??",
        "elasticache:DescribeUsers": f"{cache}:user:vibewell-redis-default",
        "elasticache:ModifyUser": f"{cache}:user:vibewell-redis-default",
    }
    for action, resource in allowed.items():
        if action.startswith("secretsmanager:"):
            assert SECRET_EXPORT in json.dumps(resource), action
        if action.startswith("kms:"):
            assert "ExportsOutputFnGetAttKey" in json.dumps(resource), action
    everything = {action for action, resource in allowed.items() if resource == "*"}
    assert all(re.match(r"ec2:.*(NetworkInterface|Subnets|PrivateIp)", one) for one in everything)


def test_its_environment_holds_names_and_times(function: Document, production: Settings) -> None:
    variables = function["Environment"]["Variables"]
    assert set(variables) == {
        "SECRET_ARN",
        "REPLICATION_GROUP_ID",
        "USER_ID",
        "RETIRE_AFTER_SECONDS",
        "CLIENT_CACHE_SECONDS",
        "AWS_ENDPOINT_URL_ELASTICACHE",
        "AWS_ENDPOINT_URL_SECRETS_MANAGER",
        "MOST_REFUSED_LOGINS",
    }
    assert 2 * int(variables["MOST_REFUSED_LOGINS"]) < production.alarms.refused_logins_per_minute
    assert int(variables["RETIRE_AFTER_SECONDS"]) == production.rotation.retire_after_hours * 3600


def test_its_log_is_encrypted_and_kept_for_a_time(operations: Stack) -> None:
    logs = operations.of_type("AWS::Logs::LogGroup").values()
    assert {log["LogGroupName"] for log in logs} >= {f"/aws/lambda/{ROTATION}"}
    for log in logs:
        assert log["RetentionInDays"] == 90
        assert "ExportsOutputFnGetAttKey" in json.dumps(log["KmsKeyId"])


def test_what_was_interrupted_is_looked_for_every_few_minutes(operations: Stack) -> None:
    schedule = template.schedule(operations, "rotation")
    assert schedule["ScheduleExpression"] == "rate(5 minutes)"
    assert json.loads(schedule["Target"]["Input"]) == {"reconcile": True}
    assert schedule["Target"]["RetryPolicy"] == {"MaximumRetryAttempts": 0}


def test_the_endpoints_and_redis_admit_functions_by_name(operations: Stack) -> None:
    admitted = {
        (group_name(operations, rule["SourceSecurityGroupId"]), rule["FromPort"])
        for rule in operations.of_type("AWS::EC2::SecurityGroupIngress").values()
    }
    assert admitted == {
        (f"{PREFIX}-{name}", port)
        for name in ("rotation", "health-login", "recovery-keeper", "recovery-verifier")
        for port in (443, 6379)
    }


def test_endpoints_of_the_vpcs_own_are_opened_and_none_is_made(
    synth: Synth, production_document: Document
) -> None:
    own = "sg-0a1b2c3d4e5f60718"
    change = {"rotation.endpoints": [], "rotation.endpoint_security_group_id": own}
    settings = Settings.model_validate(changed(production_document, change))
    operations = synth([settings])["vibewell-redis-production-operations"]
    assert not operations.of_type("AWS::EC2::VPCEndpoint")
    assert "AWS_ENDPOINT_URL" not in json.dumps(operations.body)
    outs, ins = (
        [rule for rule in operations.of_type(kind).values() if rule["FromPort"] == 443]
        for kind in ("AWS::EC2::SecurityGroupEgress", "AWS::EC2::SecurityGroupIngress")
    )
    assert [rule["DestinationSecurityGroupId"] for rule in outs] == 4 * [own]
    assert [rule["GroupId"] for rule in ins] == 4 * [own]


def test_an_endpoint_that_the_vpc_has_is_not_made_again(templates: Stacks) -> None:
    # development's network has one for its application already.
    services = [
        endpoint["ServiceName"].rsplit(".", 1)[-1]
        for stack in ("data", "operations")
        for endpoint in templates[f"vibewell-redis-development-{stack}"]
        .of_type("AWS::EC2::VPCEndpoint")
        .values()
    ]
    assert sorted(services) == ["elasticache", "secretsmanager", "ssm"]


def group_name(operations: Stack, reference: Document) -> str:
    group: Document = operations.resources[reference["Fn::GetAtt"][0]]["Properties"]
    return str(group["GroupName"])
