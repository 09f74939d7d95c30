"""Reviews as the templates make them: when they run, what they may do, who tells if not (§7)."""

import json
import re
from typing import Any

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from constructs.reviews.review_kinds import REVIEWS
from environments.load import environment_names
from reviews.configuration import drift
from tests.support import Stacks, as_lambda_measures
from tools.assembly import Document, Stack

PREFIX = "vibewell-redis-production"
ENVIRONMENT_BYTES = 4096  # Lambda quotas, all variables of a function together


def named(stack: Stack, kind: str, key: str, name: str) -> Document:
    (found,) = (one for one in stack.of_type(kind).values() if one.get(key) == name)
    return found


def function(monitoring: Stack, name: str) -> Document:
    return named(monitoring, "AWS::Lambda::Function", "FunctionName", f"{PREFIX}-{name}")


def statements(monitoring: Stack, name: str) -> list[Document]:
    (role,) = (
        role
        for role in monitoring.of_type("AWS::IAM::Role").values()
        if role["Description"] == f"Function {PREFIX}-{name}"
    )
    policies = monitoring.of_type("AWS::IAM::ManagedPolicy")
    return [
        statement
        for arn in role["ManagedPolicyArns"]
        for statement in policies[arn["Ref"]]["PolicyDocument"]["Statement"]
    ]


def allowed(monitoring: Stack, name: str) -> dict[str, Any]:
    """Actions but those on its own log, each with its resource."""
    found: dict[str, Any] = {}
    for statement in statements(monitoring, name):
        actions = statement["Action"]
        for action in [actions] if isinstance(actions, str) else actions:
            if not action.startswith("logs:Create") and action != "logs:PutLogEvents":
                found[action] = statement["Resource"]
    return found


def bucket_id(stack: Stack) -> str:
    (found,) = stack.of_type("AWS::S3::Bucket")
    return found


@pytest.mark.plan("7.3")
def test_the_configuration_is_reviewed_weekly(monitoring: Stack) -> None:
    name = f"{PREFIX}-review-configuration"
    found = named(monitoring, "AWS::Scheduler::Schedule", "Name", name)
    assert found["ScheduleExpression"] == "cron(0 8 ? * MON *)"


@pytest.mark.plan("7.1")
@pytest.mark.parametrize(
    ("name", "schedule"),
    [("updates", "cron(0 8 1 * ? *)"), ("security-updates", "cron(0 8 * * ? *)")],
)
def test_updates_are_reviewed_monthly_and_security_updates_daily(
    monitoring: Stack, name: str, schedule: str
) -> None:
    found = named(monitoring, "AWS::Scheduler::Schedule", "Name", f"{PREFIX}-review-{name}")
    assert found["ScheduleExpression"] == schedule
    assert found.get("State", "ENABLED") == "ENABLED"


@pytest.mark.plan("7.2", "7.3")
def test_a_schedule_hands_its_review_over_even_if_lambda_is_busy_for_a_while(
    monitoring: Stack,
) -> None:
    for kind in REVIEWS:
        name = f"{PREFIX}-review-{kind.name}"
        retry = named(monitoring, "AWS::Scheduler::Schedule", "Name", name)["Target"]["RetryPolicy"]
        assert retry["MaximumRetryAttempts"] >= 5
        assert retry["MaximumEventAgeInSeconds"] == 3600


@pytest.mark.plan("7.2", "7.3")
@pytest.mark.parametrize("kind", REVIEWS, ids=lambda kind: kind.name)
def test_each_review_has_an_alarm_when_it_did_not_run(monitoring: Stack, kind: Any) -> None:
    name = f"{PREFIX}-review-{kind.name}-not-run-warning"
    alarm = named(monitoring, "AWS::CloudWatch::Alarm", "AlarmName", name)
    (query,) = alarm["Metrics"]
    watched = json.loads(
        _text(function(monitoring, "review-watch")["Environment"]["Variables"]["WATCHED"])
    )
    assert query["MetricStat"]["Metric"]["MetricName"] == watched[kind.name]["metric"]
    assert watched[kind.name]["function"] == f"{PREFIX}-review-{kind.name}"
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == (
        "GreaterThanThreshold",
        kind.days + 1,
    )
    assert alarm["TreatMissingData"] == "breaching", "a watch that is dead must not be silent"
    # The watch publishes at least twice in a period.
    watch = named(monitoring, "AWS::Scheduler::Schedule", "Name", f"{PREFIX}-review-watch")
    (minutes,) = re.findall(r"rate\((\d+) minutes\)", watch["ScheduleExpression"])
    assert int(minutes) * 60 * 2 <= query["MetricStat"]["Period"]


def test_a_review_is_late_only_after_its_longest_gap() -> None:
    # The 1st of a month to the 1st of the next, Monday to Monday, day to day.
    for kind in REVIEWS:
        assert kind.days == {"1": 31, "*": 1, "?": 7}[kind.schedule.split()[2]], kind.name


@pytest.mark.plan("7.2", "7.3")
@pytest.mark.parametrize("kind", REVIEWS, ids=lambda kind: kind.name)
def test_a_review_writes_to_its_own_folder_and_to_the_channel_alone(
    monitoring: Stack, kind: Any
) -> None:
    name = f"review-{kind.name}"
    found = allowed(monitoring, name)
    arn = {"Fn::GetAtt": [bucket_id(monitoring), "Arn"]}
    own = {"Fn::Join": ["", [arn, f"/{kind.name}/*"]]}
    assert found["s3:PutObject"] == found["s3:GetObject"] == own
    (listing,) = (s for s in statements(monitoring, name) if s["Action"] == "s3:ListBucket")
    assert listing["Condition"] == {"StringLike": {"s3:prefix": [f"{kind.name}/*"]}}
    (warning,) = (
        topic
        for topic, properties in monitoring.of_type("AWS::SNS::Topic").items()
        if properties["TopicName"].endswith("-warning")
    )
    assert found["sns:Publish"] == {"Ref": warning}
    assert "VpcConfig" not in function(monitoring, name)


CHANGING = re.compile(
    r"^\w+:(Add|Apply|Attach|Authorize|Batch|Cancel|Create|Delete|Detach|Disable|Enable|Modify|"
    r"Purchase|Put|Reboot|Remove|Reset|Revoke|Rotate|Set|Start|Stop|Tag|Test|Update)"
)


@pytest.mark.plan("7.1", "7.3")
@pytest.mark.parametrize("kind", REVIEWS, ids=lambda kind: kind.name)
def test_a_review_changes_nothing_but_its_own_reports(monitoring: Stack, kind: Any) -> None:
    changing = {a for a in allowed(monitoring, f"review-{kind.name}") if CHANGING.match(a)}
    assert changing == {"s3:PutObject"}


@pytest.mark.parametrize("kind", REVIEWS, ids=lambda kind: kind.name)
def test_no_review_can_read_the_token(monitoring: Stack, kind: Any) -> None:
    found = allowed(monitoring, f"review-{kind.name}")
    assert "secretsmanager:GetSecretValue" not in found
    keys = set(monitoring.of_type("AWS::KMS::Key"))
    assert found["kms:Decrypt"]["Fn::GetAtt"][0] in keys, "the reports' key, not the token's"


def test_the_watch_sees_that_a_note_is_there_and_reads_nothing(monitoring: Stack) -> None:
    found = allowed(monitoring, "review-watch")
    assert set(found) == {"s3:ListBucket", "lambda:InvokeFunction"}
    invoked = {arn["Fn::GetAtt"][0] for arn in found["lambda:InvokeFunction"]}
    functions = monitoring.of_type("AWS::Lambda::Function")
    assert {functions[name]["FunctionName"] for name in invoked} == {
        f"{PREFIX}-review-{kind.name}" for kind in REVIEWS
    }


def schema_reads(kind: str) -> list[str]:
    """What CloudFormation's reader of a type asks, with its caller's permissions."""
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema
    found: list[str] = schema.get("handlers", {}).get("read", {}).get("permissions", [])
    return found


# Why each is left out stands in constructs/reviews/drift_reads.py.
NOT_GIVEN = {
    ("AWS::EC2::VPCEndpoint", "vpc-lattice:DescribeServiceNetworkVpcEndpointAssociation"),
    ("AWS::Events::Rule", "iam:PassRole"),
    ("AWS::Lambda::Function", "kms:Decrypt"),
    ("AWS::SSM::Association", "resource-groups:GetGroupQuery"),
    ("AWS::SSM::Association", "resource-groups:ListGroupResources"),
    ("AWS::SSM::Association", "resource-groups:ListGroups"),
}


@pytest.mark.plan("7.3")
@pytest.mark.parametrize("environment", environment_names())
def test_drift_can_be_detected_of_every_type_but_the_secret(
    templates: Stacks, environment: str
) -> None:
    monitoring = templates[f"vibewell-redis-{environment}-monitoring"]
    given = {
        action
        for policy in monitoring.of_type("AWS::IAM::ManagedPolicy").values()
        if "review-configuration" in policy["Description"] or "review of" in policy["Description"]
        for statement in policy["PolicyDocument"]["Statement"]
        for action in _several(statement["Action"])
    }
    kinds = {
        resource["Type"]
        for stack in templates.values()
        if stack.name.startswith(f"vibewell-redis-{environment}-")
        for resource in stack.resources.values()
    }
    assert "AWS::SecretsManager::Secret" in kinds
    for kind in sorted(kinds - {"AWS::SecretsManager::Secret"}):
        for action in schema_reads(kind):
            assert action in given or (kind, action) in NOT_GIVEN, f"{kind}: {action}"


def test_what_the_review_may_read_is_of_types_that_are_there(templates: Stacks) -> None:
    kinds = {r["Type"] for stack in templates.values() for r in stack.resources.values()}
    read = {action for kind in kinds for action in schema_reads(kind)}
    asked = {
        "cloudformation:DescribeStackDriftDetectionStatus",
        "cloudformation:DescribeStackResourceDrifts",
        "cloudformation:DetectStackDrift",
        "cloudformation:DetectStackResourceDrift",
        "cloudformation:GetTemplate",
        "cloudformation:ListStackResources",
        "elasticache:DescribeSnapshots",
        "kms:GenerateDataKey",
        "lambda:GetPolicy",
        "s3:GetObject",
        "s3:PutObject",
        "secretsmanager:GetResourcePolicy",
        "sns:Publish",
    }
    monitoring = templates[f"{PREFIX}-monitoring"]
    assert set(allowed(monitoring, "review-configuration")) - {"s3:ListBucket"} <= read | asked


def test_a_review_that_waits_for_drift_has_time_left_for_its_report(
    monitoring: Stack,
) -> None:
    timeout = function(monitoring, "review-configuration")["Timeout"]
    assert timeout - drift.LONGEST_SECONDS >= 120


LONGEST_POLICY = 6144  # characters without white space (IAM quotas)


def test_no_policy_is_longer_than_iam_takes(templates: Stacks) -> None:
    for stack in templates.values():
        for name, policy in stack.of_type("AWS::IAM::ManagedPolicy").items():
            text = json.dumps(policy["PolicyDocument"], separators=(",", ":"))
            assert len(text) < LONGEST_POLICY, f"{stack.name} {name}: {len(text)}"


@pytest.mark.parametrize("environment", environment_names())
def test_reports_are_encrypted_private_and_leave_after_a_year(
    templates: Stacks, environment: str
) -> None:
    monitoring = templates[f"vibewell-redis-{environment}-monitoring"]
    bucket = monitoring.only("AWS::S3::Bucket")
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    (key,) = monitoring.of_type("AWS::KMS::Key")
    assert rule["ServerSideEncryptionByDefault"] == {
        "SSEAlgorithm": "aws:kms",
        "KMSMasterKeyID": {"Fn::GetAtt": [key, "Arn"]},
    }
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4
    (expiry,) = bucket["LifecycleConfiguration"]["Rules"]
    assert (expiry["Status"], expiry["ExpirationInDays"]) == ("Enabled", 400)
    assert "BucketName" not in bucket


def test_plain_text_is_refused_for_every_action_that_a_function_has(monitoring: Stack) -> None:
    (deny,) = monitoring.only("AWS::S3::BucketPolicy")["PolicyDocument"]["Statement"]
    assert deny["Effect"] == "Deny"
    assert deny["Principal"] == "*"
    assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    used = {action for action in allowed(monitoring, "review-updates") if action.startswith("s3:")}
    assert used <= set(deny["Action"])


def test_what_a_review_is_told_fits_and_holds_no_secret(templates: Stacks) -> None:
    for stack in templates.values():
        for found in stack.of_type("AWS::Lambda::Function").values():
            variables = as_lambda_measures(found["Environment"]["Variables"])
            assert len(variables) < ENVIRONMENT_BYTES, found["FunctionName"]
            assert "resolve:" not in variables


@pytest.mark.plan("7.1")
def test_the_price_of_staying_comes_from_the_settings(monitoring: Stack) -> None:
    told = json.loads(function(monitoring, "review-updates")["Environment"]["Variables"]["SUPPORT"])
    assert told["engine"] == "Redis 6.2"
    assert told["ends"] == "2027-01-31"
    assert told["monthly"] == pytest.approx(3 * 0.068 * 730)
    assert told["percent"] == [80, 80, 160]


def _several(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else value


def _text(value: Any) -> str:
    """A variable, with references resolved to a filler."""
    if isinstance(value, str):
        return value
    return "".join(part if isinstance(part, str) else "x" for part in value["Fn::Join"][1])
