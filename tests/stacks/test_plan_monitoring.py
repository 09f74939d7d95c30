"""Dashboard, ways to people, events and reviews as the templates make them (§3.2, 3.3, 7)."""

import json
from typing import Any

import pytest

from constructs.alarms.catalog import every_alarm
from environments.load import environment_names, load
from reviews.capacity.forecast import measured
from reviews.configuration import drift
from reviews.metrics.measures import NAMES, Measure, shown
from tests.stacks.limits import over
from tests.stacks.template import PREFIX, alarms, function, listed, schedule, variables
from tests.support import Stacks, schema_of
from tools.assembly import Stack

MEMBERS = ["vibewell-redis-001", "vibewell-redis-002", "vibewell-redis-003"]


@pytest.mark.plan("3.2")
@pytest.mark.parametrize(
    ("title", "metrics", "drawn"),
    [
        ("Memory", {"DatabaseMemoryUsagePercentage"}, [75, 90]),
        ("CPU", {"EngineCPUUtilization", "CPUUtilization"}, [70, 85, 45]),
        ("Network bandwidth", {"NetworkBytesIn", "NetworkBytesOut"}, []),
        ("Connections", {"CurrConnections"}, [1000, 5000]),
        ("Hits and misses", {"CacheHits", "CacheMisses"}, []),
        ("Replication lag", {"ReplicationLag"}, [0.5, 2]),
        ("CPU credits", {"CPUCreditBalance"}, [115]),
    ],
)
def test_the_dashboard_shows_the_plans_graphs_for_every_node_with_each_threshold(
    monitoring: Stack, title: str, metrics: set[str], drawn: list[float]
) -> None:
    first, *widgets = json.loads(monitoring.only("AWS::CloudWatch::Dashboard")["DashboardBody"])[
        "widgets"
    ]
    states = {arn.rsplit(":", 1)[-1] for arn in first["properties"]["alarms"]}
    assert states == {properties["AlarmName"] for properties in alarms(monitoring)}
    (graph,) = (one["properties"] for one in widgets if one["properties"]["title"] == title)
    assert {(line[0], line[1], line[3]) for line in graph["metrics"]} == {
        ("AWS/ElastiCache", metric, member) for metric in metrics for member in MEMBERS
    }
    assert [line["value"] for line in graph["annotations"]["horizontal"]] == drawn


@pytest.mark.parametrize(
    ("name", "expression"),
    [
        pytest.param(name, expression, marks=pytest.mark.plan(section), id=name)
        for section, name, expression in (
            ("7.1", "updates", "cron(0 8 1 * ? *)"),
            ("7.1", "security-updates", "cron(0 8 * * ? *)"),
            ("7.2", "metrics", "cron(0 8 ? * MON *)"),
            ("7.2", "capacity", "cron(0 8 1 * ? *)"),
            ("7.3", "configuration", "cron(0 8 ? * MON *)"),
        )
    ],
)
def test_a_review_is_run_on_its_day_even_if_lambda_is_busy_for_a_while(
    monitoring: Stack, name: str, expression: str
) -> None:
    found = schedule(monitoring, f"review-{name}")
    assert found["ScheduleExpression"] == expression
    assert found.get("State", "ENABLED") == "ENABLED"
    assert found["Target"]["RetryPolicy"]["MaximumRetryAttempts"] >= 5
    assert found["Target"]["RetryPolicy"]["MaximumEventAgeInSeconds"] == 3600


# Why each is left out is in constructs/reviews/configuration_review.py.
NOT_GIVEN = {
    ("AWS::EC2::VPCEndpoint", "vpc-lattice:DescribeServiceNetworkVpcEndpointAssociation"),
    ("AWS::Events::Rule", "iam:PassRole"),
    ("AWS::Lambda::Function", "kms:Decrypt"),
    ("AWS::SSM::Association", "resource-groups:GetGroupQuery"),
    ("AWS::SSM::Association", "resource-groups:ListGroupResources"),
    ("AWS::SSM::Association", "resource-groups:ListGroups"),
}
# What our own review asks beyond what CloudFormation's readers do.
ASKED = {
    *(f"cloudformation:{one}" for one in ("GetTemplate", "ListStackResources")),
    *(f"cloudformation:De{one}" for one in ("scribeStackResourceDrifts", "tectStackDrift")),
    *(
        f"cloudformation:De{one}"
        for one in ("tectStackResourceDrift", "scribeStackDriftDetectionStatus")
    ),
    *("elasticache:DescribeSnapshots", "kms:GenerateDataKey", "lambda:GetPolicy", "sns:Publish"),
    *("s3:GetObject", "s3:ListBucket", "s3:PutObject", "secretsmanager:GetResourcePolicy"),
}


@pytest.mark.plan("7.3")
@pytest.mark.parametrize("environment", environment_names())
def test_drift_can_be_detected_of_every_type_but_the_secret_and_nothing_else_is_read(
    templates: Stacks, environment: str
) -> None:
    monitoring = templates[f"vibewell-redis-{environment}-monitoring"]
    given = {
        action
        for policy in monitoring.of_type("AWS::IAM::ManagedPolicy").values()
        if "review-configuration" in policy["Description"] or "reads for" in policy["Description"]
        for statement in policy["PolicyDocument"]["Statement"]
        for action in listed(statement["Action"])
    }
    kinds = {r["Type"] for stack in templates.values() for r in stack.resources.values()}
    wanted = set(ASKED)
    for kind in kinds - {"AWS::SecretsManager::Secret"}:
        reads = schema_of(kind).get("handlers", {}).get("read", {}).get("permissions", [])
        wanted |= {action for action in reads if (kind, action) not in NOT_GIVEN}
    logs = {"logs:CreateLogStream", "logs:PutLogEvents"}
    assert wanted - given == set()
    assert given - wanted - logs - {"secretsmanager:DescribeSecret"} == set()
    timeout = function(templates[f"{PREFIX}-monitoring"], "review-configuration")["Timeout"]
    assert timeout - drift.LONGEST_SECONDS >= 120, "time is left for the report"


def test_every_template_is_below_aws_limits_and_tells_functions_no_secret(
    templates: Stacks,
) -> None:
    assert not over(templates)
    for stack in templates.values():
        for found in stack.of_type("AWS::Lambda::Function").values():
            assert "resolve:" not in json.dumps(found["Environment"])


def given(stack: Stack, environment: str, review: str, variable: str) -> Any:
    name = f"vibewell-redis-{environment}-review-{review}"
    found = stack.only("AWS::Lambda::Function", FunctionName=name)
    return json.loads(found["Environment"]["Variables"][variable])


def weekly(stack: Stack, environment: str = "production") -> dict[str, Measure]:
    found = given(stack, environment, "metrics", "MEASURES")
    return {one.name: one for one in (Measure.read(document, "g") for document in found)}


@pytest.mark.plan("7.2")
@pytest.mark.parametrize("environment", environment_names())
def test_every_figure_with_an_alarm_is_reviewed_at_the_alarms_own_line(
    templates: Stacks, environment: str
) -> None:
    found = weekly(templates[f"vibewell-redis-{environment}-monitoring"], environment)
    specs = every_alarm(load(environment))
    silence = {one.name for one in specs if one.name.endswith(("-not-run", "not-reporting"))}
    assert set(found) == {one.name for one in specs} - silence | {"network-in", "network-out"}
    for spec in specs:
        if spec.name in silence:
            continue
        lowest = min(one.threshold for one in specs if one.name == spec.name)
        measure = found[spec.name]
        assert measure.warning == pytest.approx(lowest * measure.factor), spec.name
        assert measure.beyond == spec.comparison
    if environment == "production":
        assert set(NAMES) <= set(found), "a name for something that is not reviewed"
    for name in found:
        title = shown(name)[0]
        assert title[0].isupper()
        assert "-" not in title
    assert shown("an-alarm-of-tomorrow") == ("An alarm of tomorrow", "")


@pytest.mark.plan("7.2")
@pytest.mark.parametrize("environment", environment_names())
def test_capacity_is_told_every_line_and_what_to_do_there(
    templates: Stacks, environment: str
) -> None:
    settings = load(environment)
    stack = templates[f"vibewell-redis-{environment}-monitoring"]
    handed = measured(given(stack, environment, "capacity", "LINES"))
    found = {measure.name: line for measure, line in handed}
    limits = settings.alarms
    memory = limits.memory_percent
    assert (found["memory"].warning, found["memory"].critical) == (memory.warning, memory.critical)
    assert found["engine-cpu"].warning == limits.cpu_percent.warning
    assert found["connections"].critical == limits.connections.critical
    assert {"network-in", "network-out"} < set(found)
    assert all(line.then.endswith(".") for line in found.values())
    if environment == "production":
        assert "cache.m6g.large" in found["memory"].then
        assert "$0.149 instead of $0.068" in found["memory"].then
        assert str(settings.application.connections) in found["connections"].then


@pytest.mark.plan("7.1")
def test_the_price_of_staying_comes_from_the_settings(monitoring: Stack) -> None:
    support = json.loads(variables(monitoring, "review-updates")["SUPPORT"])
    assert (support["engine"], support["ends"]) == ("Redis 6.2", "2027-01-31")
    assert support["monthly"] == pytest.approx(3 * 0.068 * 730)
    assert support["percent"] == [80, 80, 160]
