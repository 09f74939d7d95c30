"""The reviews of metrics as the templates make them: when, told what, allowed what (§7.2)."""

import json
from typing import Any

import pytest

from constructs.alarms.catalog import every_alarm
from environments.load import environment_names, load
from environments.schema import Settings
from reviews.capacity.forecast import MEASURES, lines, measured
from reviews.metrics.measures import NAMES, Measure, shown
from tests.stacks.template import PREFIX, schedule, variables
from tests.stacks.test_plan_reviews import allowed, statements
from tests.support import Stacks
from tools.assembly import Stack

pytestmark = pytest.mark.plan("7.2")


def told(stack: Stack, environment: str, review: str, variable: str) -> Any:
    name = f"vibewell-redis-{environment}-review-{review}"
    found = stack.only("AWS::Lambda::Function", FunctionName=name)
    return json.loads(found["Environment"]["Variables"][variable])


def weekly(stack: Stack, environment: str = "production") -> dict[str, Measure]:
    found = told(stack, environment, "metrics", "MEASURES")
    return {one.name: one for one in (Measure.read(document, "g") for document in found)}


@pytest.mark.parametrize(
    ("name", "expression"), [("metrics", "cron(0 8 ? * MON *)"), ("capacity", "cron(0 8 1 * ? *)")]
)
def test_metrics_are_reviewed_weekly_and_capacity_monthly(
    monitoring: Stack, name: str, expression: str
) -> None:
    found = schedule(monitoring, f"review-{name}")
    assert found["ScheduleExpression"] == expression
    assert found["Target"]["Arn"]["Fn::GetAtt"][0] in monitoring.of_type("AWS::Lambda::Function")


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
        assert measure.beyond == spec.beyond


def test_the_plans_figures_are_the_plans_lines(monitoring: Stack) -> None:
    found = weekly(monitoring)
    lines_of = {
        "memory": 75,
        "engine-cpu": 70,
        "host-cpu": 45,
        "connections": 1000,
        "hit-rate": 80,
        "replication-lag": 500,  # milliseconds
        "network-in": 256,  # megabits a second of a cache.t3.medium
    }
    assert {name: found[name].warning for name in lines_of} == pytest.approx(lines_of)
    assert found["hit-rate"].combined == "share"
    assert found["hit-rate"].metrics == ("CacheHits", "CacheMisses")
    assert found["network-allowance"].combined == "total"
    assert len(found["network-allowance"].metrics) == 2
    assert (found["cpu-credits"].combined, found["cpu-credits"].beyond) == ("lowest", "below")


def test_every_figure_has_a_name_that_people_read(monitoring: Stack) -> None:
    reviewed = set(weekly(monitoring))
    assert set(NAMES) <= reviewed, "a name for something that is not reviewed"
    for name in reviewed:
        title = shown(name)[0]
        assert title[0].isupper()
        assert "-" not in title
    assert shown("an-alarm-of-tomorrow") == ("An alarm of tomorrow", "")


@pytest.mark.parametrize("environment", environment_names())
def test_capacity_is_told_every_line_and_what_to_do_there(
    templates: Stacks, environment: str
) -> None:
    settings = load(environment)
    stack = templates[f"vibewell-redis-{environment}-monitoring"]
    found = lines(told(stack, environment, "capacity", "LINES"))
    assert measured(MEASURES, found), "each line is known to the function"
    limits = settings.alarms
    assert (found["memory"].warning, found["memory"].critical) == (
        limits.memory_percent.warning,
        limits.memory_percent.critical,
    )
    assert found["engine-cpu"].warning == limits.cpu_percent.warning
    assert found["connections"].critical == limits.connections.critical
    assert {"network-in", "network-out"} < set(found)
    for name, line in found.items():
        assert line.then.endswith("."), name


def test_what_to_do_names_the_next_node_type_and_its_price(
    monitoring: Stack, production: Settings
) -> None:
    found = lines(told(monitoring, "production", "capacity", "LINES"))
    assert production.redis.node_type.name == "cache.t3.medium"
    assert "cache.m6g.large" in found["memory"].then
    assert "$0.149 instead of $0.068" in found["memory"].then
    assert str(production.application.connections) in found["connections"].then


def test_a_review_of_metrics_reads_them_and_nothing_else(monitoring: Stack) -> None:
    own = {"kms:Decrypt", "kms:GenerateDataKey", "s3:GetObject", "s3:ListBucket", "s3:PutObject"}
    reads = {"cloudwatch:GetMetricData", "elasticache:DescribeReplicationGroups"}
    told_to = {"sns:Publish"}
    alarms = {"cloudwatch:DescribeAlarmHistory", "cloudwatch:DescribeAlarms"}
    assert set(allowed(monitoring, "review-capacity")) == own | reads | told_to
    assert set(allowed(monitoring, "review-metrics")) == own | reads | told_to | alarms


@pytest.mark.parametrize("review", ["review-metrics", "review-capacity"])
def test_only_figures_which_have_no_arn_are_read_by_a_wildcard(
    monitoring: Stack, review: str
) -> None:
    for statement in statements(monitoring, review):
        if statement["Resource"] == "*":
            assert statement["Action"] == "cloudwatch:GetMetricData"
    found = allowed(monitoring, review)
    group = found["elasticache:DescribeReplicationGroups"]
    assert json.dumps(group).count("replicationgroup:vibewell-redis") == 1
    if review == "review-metrics":
        history = json.dumps(found["cloudwatch:DescribeAlarmHistory"])
        assert f"alarm:{PREFIX}-*" in history, "of this environment's alarms alone"


def test_the_prefix_of_alarms_is_the_environments(monitoring: Stack) -> None:
    assert variables(monitoring, "review-metrics")["ALARM_PREFIX"] == f"{PREFIX}-"
