"""The message that CloudWatch sends to an alarm's SNS topics.

The shape is that of messages seen in public (2023 to 2025), for an alarm on one metric and for one
on metric math; AWS documents no schema of it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

import botocore.session

_SUBJECT = 100  # characters that SNS takes


@dataclass(frozen=True)
class Change:
    """A change of an alarm's state, at a moment in seconds since the epoch."""

    old: str
    new: str
    reason: str
    at: float


def subject(alarm: Mapping[str, Any], change: Change) -> str:
    """The subject line, cut to what SNS takes."""
    where = region_name(alarm["AlarmArn"].split(":")[3])
    return f'{change.new}: "{alarm["AlarmName"]}" in {where}'[:_SUBJECT]


def message(alarm: Mapping[str, Any], change: Change) -> str:
    """The JSON text for a change of `alarm`, which is as DescribeAlarms describes it."""
    region, account = alarm["AlarmArn"].split(":")[3:5]
    return json.dumps(
        {
            "AlarmName": alarm["AlarmName"],
            "AlarmDescription": alarm.get("AlarmDescription") or None,
            "AWSAccountId": account,
            "AlarmConfigurationUpdatedTimestamp": _moment(
                alarm["AlarmConfigurationUpdatedTimestamp"]
            ),
            "NewStateValue": change.new,
            "NewStateReason": change.reason,
            "StateChangeTime": _moment(change.at),
            "Region": region_name(region),
            "AlarmArn": alarm["AlarmArn"],
            "OldStateValue": change.old,
            "OKActions": alarm.get("OKActions", []),
            "AlarmActions": alarm.get("AlarmActions", []),
            "InsufficientDataActions": alarm.get("InsufficientDataActions", []),
            "Trigger": _trigger(alarm),
        }
    )


def region_name(region: str) -> str:
    """AWS's own name of a Region, "US East (N. Virginia)"; the id itself for an unknown one."""
    return _region_names().get(region, region)


@cache
def _region_names() -> dict[str, str]:
    partitions = botocore.session.get_session().get_data("endpoints")["partitions"]
    return {
        name: found["description"]
        for partition in partitions
        for name, found in partition["regions"].items()
    }


def _trigger(alarm: Mapping[str, Any]) -> dict[str, Any]:
    queries = alarm.get("Metrics")
    rule = {
        "EvaluationPeriods": alarm["EvaluationPeriods"],
        "DatapointsToAlarm": alarm.get("DatapointsToAlarm", alarm["EvaluationPeriods"]),
        "ComparisonOperator": alarm["ComparisonOperator"],
        "Threshold": float(alarm["Threshold"]),
        "TreatMissingData": alarm.get("TreatMissingData", "missing"),
        "EvaluateLowSampleCountPercentile": "",
    }
    if queries:
        period = next(int(q["MetricStat"]["Period"]) for q in queries if "MetricStat" in q)
        return {"Period": period, **rule, "Metrics": [_query(one) for one in queries]}
    return {
        "MetricName": alarm["MetricName"],
        "Namespace": alarm["Namespace"],
        "StatisticType": "Statistic",
        "Statistic": alarm["Statistic"].upper(),
        "Unit": alarm.get("Unit"),
        "Dimensions": _dimensions(alarm),
        "Period": alarm["Period"],
        **rule,
    }


def _query(query: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {
        key: query[key] for key in ("Expression", "Id", "Label") if key in query
    }
    if "MetricStat" in query:
        stat = query["MetricStat"]
        metric = stat["Metric"]
        found["MetricStat"] = {
            "Metric": {
                "Dimensions": _dimensions(metric),
                "MetricName": metric["MetricName"],
                "Namespace": metric["Namespace"],
            },
            "Period": int(stat["Period"]),
            "Stat": stat["Stat"],
        }
    return {**found, "ReturnData": query.get("ReturnData", True)}


def _dimensions(metric: Mapping[str, Any]) -> list[dict[str, str]]:
    return [{"value": one["Value"], "name": one["Name"]} for one in metric.get("Dimensions") or []]


def _moment(at: float) -> str:
    return (
        datetime.fromtimestamp(at, UTC)
        .isoformat(timespec="milliseconds")
        .replace("+00:00", "+0000")
    )
