"""The health check as the template makes it: what it is told, and what it may ask (§2.4)."""

import json

import pytest

from environments.schema import Settings
from tests.stacks.template import (
    HERE,
    alarm,
    alarms,
    allowed,
    function,
    metric,
    schedule,
    variables,
)
from tests.support import Document, Stacks, as_lambda_measures
from tools.assembly import Stack

pytestmark = pytest.mark.plan("2.4")

ENVIRONMENT_BYTES = 4096  # Lambda quotas, all variables of a function together
REFERENCE = "x" * 120  # longer than any ARN or name that stands in for one


def told(operations: Stack) -> Document:
    """What is in the function's DESIRED, with references resolved to a filler."""
    parts = variables(operations, "health")["DESIRED"]["Fn::Join"][1]
    text = "".join(part if isinstance(part, str) else REFERENCE for part in parts)
    document: Document = json.loads(text)
    return document


def test_it_is_told_what_the_settings_say(operations: Stack, production: Settings) -> None:
    desired, redis = told(operations), production.redis
    assert desired["members"] == 3
    assert desired["group"] == {
        "CacheNodeType": "cache.t3.medium",
        "MultiAZ": "enabled",
        "AutomaticFailover": "enabled",
        "ClusterEnabled": False,
        "TransitEncryptionEnabled": True,
        "AtRestEncryptionEnabled": True,
        "UserGroupIds": ["vibewell-redis-users"],
        "SnapshotWindow": "02:00-03:00",
        "SnapshotRetentionLimit": 7,
    }
    assert desired["node"] == {
        "AutoMinorVersionUpgrade": True,
        "Engine": "redis",
        "EngineVersion": "6.2",
        "PreferredMaintenanceWindow": "sun:03:00-sun:05:00",
    }
    assert desired["parameters"] == {name: str(v) for name, v in redis.parameters.items()}


def test_it_counts_the_alarms_and_topics_that_monitoring_makes(
    operations: Stack, monitoring: Stack, data: Stack
) -> None:
    desired = told(operations)
    names = {one["AlarmName"] for one in alarms(monitoring)}
    assert {f"{desired['alarm_prefix']}{name}" for name in desired["alarms"]} == names
    assert set(desired["alarms"].values()) == {1}
    topics = {
        f"arn:aws:sns:{HERE}:{topic['TopicName']}"
        for stack in (monitoring, data)
        for topic in stack.of_type("AWS::SNS::Topic").values()
    }
    assert set(desired["topics"]) == topics
    assert desired["topics"][f"arn:aws:sns:{HERE}:vibewell-redis-production-critical"] == 2


def test_what_functions_are_told_has_room_to_grow_and_holds_no_secret(templates: Stacks) -> None:
    for stack in templates.values():
        for found in stack.of_type("AWS::Lambda::Function").values():
            measured = as_lambda_measures(found["Environment"]["Variables"])
            assert len(measured) < ENVIRONMENT_BYTES, found["FunctionName"]
            assert "resolve:" not in measured


def test_the_one_outside_may_ask_about_this_deployment_and_nothing_else(operations: Stack) -> None:
    found = allowed(operations, "health")
    assert set(found) == {
        "elasticache:DescribeReplicationGroups",
        "elasticache:DescribeCacheClusters",
        "elasticache:DescribeCacheParameters",
        "elasticache:DescribeUsers",
        "elasticache:DescribeUserGroups",
        "cloudwatch:DescribeAlarms",
        "sns:ListSubscriptionsByTopic",
        "lambda:InvokeFunction",
    }
    cache = f"arn:aws:elasticache:{HERE}"
    assert found["elasticache:DescribeReplicationGroups"] == (
        f"{cache}:replicationgroup:vibewell-redis"
    )
    assert found["elasticache:DescribeUsers"] == found["elasticache:DescribeUserGroups"]
    assert found["elasticache:DescribeUsers"] == [
        f"{cache}:user:vibewell-redis-default",
        f"{cache}:usergroup:vibewell-redis-users",
    ]
    assert found["elasticache:DescribeCacheClusters"] == f"{cache}:cluster:vibewell-redis-0??"
    assert "VpcConfig" not in function(operations, "health")


def test_the_one_inside_may_read_the_token_and_change_nothing(operations: Stack) -> None:
    found = allowed(operations, "health-login")
    assert set(found) == {
        "elasticache:DescribeReplicationGroups",
        "kms:Decrypt",
        "secretsmanager:DescribeSecret",
        "secretsmanager:GetSecretValue",
    }
    assert "ExportsOutputRefTokenSecret" in json.dumps(found["secretsmanager:GetSecretValue"])
    assert function(operations, "health-login")["VpcConfig"]["SubnetIds"]


def test_it_runs_every_few_minutes(operations: Stack) -> None:
    found = schedule(operations, "health")
    assert found["ScheduleExpression"] == "rate(5 minutes)"
    assert json.loads(found["Target"]["Input"]) == {"scheduled": True}


@pytest.mark.parametrize(
    ("name", "read", "comparison", "missing"),
    [
        ("health-failed-warning", "HealthChecksFailed", "GreaterThanThreshold", "notBreaching"),
        ("health-login-critical", "HealthLoginsFailed", "GreaterThanThreshold", "notBreaching"),
        ("health-not-run-warning", "HealthCheckRan", "LessThanThreshold", "breaching"),
    ],
)
def test_an_alarm_tells_what_failed_and_that_it_did_not_run(
    monitoring: Stack, name: str, read: str, comparison: str, missing: str
) -> None:
    found = alarm(monitoring, name)
    assert metric(found)["MetricName"] == read
    assert found["ComparisonOperator"] == comparison
    assert found["TreatMissingData"] == missing
