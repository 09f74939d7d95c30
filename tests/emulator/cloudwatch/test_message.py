"""The message of an alarm's topics, against the shape of those seen in public."""

import json
from typing import Any

from emulator.cloudwatch.actions import Change, message, region_name, subject

TOPIC = "arn:aws:sns:us-east-1:444455556666:critical"
RULE = {
    "AlarmName": "lag",
    "AlarmArn": "arn:aws:cloudwatch:us-east-1:444455556666:alarm:lag",
    "AlarmDescription": "A replica is behind.",
    "AlarmConfigurationUpdatedTimestamp": 1_700_000_000,
    "EvaluationPeriods": 3,
    "DatapointsToAlarm": 2,
    "ComparisonOperator": "GreaterThanThreshold",
    "Threshold": 2,
    "TreatMissingData": "notBreaching",
    "AlarmActions": [TOPIC],
    "OKActions": [TOPIC],
}
METRIC = {
    "Namespace": "AWS/ElastiCache",
    "MetricName": "ReplicationLag",
    "Dimensions": [{"Name": "CacheClusterId", "Value": "redis-001"}],
}
MATH = RULE | {
    "Metrics": [
        {"Id": "figure", "Expression": "MAX([a1])", "ReturnData": True},
        {
            "Id": "a1",
            "MetricStat": {"Metric": METRIC, "Period": 60, "Stat": "Maximum"},
            "ReturnData": False,
        },
    ]
}
CHANGE = Change("OK", "ALARM", "Threshold Crossed: …", 1_700_000_000.5)


def sent(alarm: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(message(alarm, CHANGE))
    return found


def test_a_message_says_what_changed_when_and_where() -> None:
    found = sent(MATH)
    assert found.pop("Trigger")
    assert found == {
        "AlarmName": "lag",
        "AlarmDescription": "A replica is behind.",
        "AWSAccountId": "444455556666",
        "AlarmConfigurationUpdatedTimestamp": "2023-11-14T22:13:20.000+0000",
        "NewStateValue": "ALARM",
        "NewStateReason": "Threshold Crossed: …",
        "StateChangeTime": "2023-11-14T22:13:20.500+0000",
        "Region": "US East (N. Virginia)",
        "AlarmArn": "arn:aws:cloudwatch:us-east-1:444455556666:alarm:lag",
        "OldStateValue": "OK",
        "OKActions": [TOPIC],
        "AlarmActions": [TOPIC],
        "InsufficientDataActions": [],
    }
    assert subject(MATH, CHANGE) == 'ALARM: "lag" in US East (N. Virginia)'


def test_the_trigger_of_metric_math_names_its_queries() -> None:
    assert sent(MATH)["Trigger"] == {
        "Period": 60,
        "EvaluationPeriods": 3,
        "DatapointsToAlarm": 2,
        "ComparisonOperator": "GreaterThanThreshold",
        "Threshold": 2.0,
        "TreatMissingData": "notBreaching",
        "EvaluateLowSampleCountPercentile": "",
        "Metrics": [
            {"Expression": "MAX([a1])", "Id": "figure", "ReturnData": True},
            {
                "Id": "a1",
                "MetricStat": {
                    "Metric": {
                        "Dimensions": [{"value": "redis-001", "name": "CacheClusterId"}],
                        "MetricName": "ReplicationLag",
                        "Namespace": "AWS/ElastiCache",
                    },
                    "Period": 60,
                    "Stat": "Maximum",
                },
                "ReturnData": False,
            },
        ],
    }


def test_the_trigger_of_a_single_metric_names_it() -> None:
    trigger = sent(RULE | METRIC | {"Statistic": "Maximum", "Period": 60})["Trigger"]
    assert trigger["MetricName"] == "ReplicationLag"
    assert trigger["Statistic"] == "MAXIMUM"
    assert trigger["Dimensions"] == [{"value": "redis-001", "name": "CacheClusterId"}]
    assert "Metrics" not in trigger


def test_regions_have_the_names_that_aws_gives_them() -> None:
    assert region_name("eu-central-1") == "Europe (Frankfurt)"
    assert region_name("xx-nowhere-1") == "xx-nowhere-1"
