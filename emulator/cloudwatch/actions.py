"""What a change of an alarm's state sets off: a message to its topics, if CloudWatch may send it.

Sources: CloudWatch user guide, "Alarm actions" (only a change acts, and only while the actions are
enabled); SNS developer guide, "Default Amazon SNS access policy" and "Enable compatibility between
event sources from AWS services and encrypted topics". CloudWatch tells nobody that an action
failed but the alarm's history; here it is kept for inspection.

The message that CloudWatch sends to an alarm's SNS topics.

The shape is that of messages seen in public (2023 to 2025), for an alarm on one metric and for one
on metric math; AWS documents no schema of it.
"""

import json
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, partial
from typing import Any

import botocore.session

from aws_rules.policies import Policy, Request, consult
from aws_rules.principals import Caller

_SERVICE = "cloudwatch.amazonaws.com"
_LISTS = {
    "ALARM": "AlarmActions",
    "OK": "OKActions",
    "INSUFFICIENT_DATA": "InsufficientDataActions",
}
# The policy of a topic that was given none: it lets its own account's services publish.
_DEFAULT_POLICY = "__default_policy_ID"

Alarm = Mapping[str, Any]


class Actions:
    """Sends messages one after the other, in a thread: `client(service)` calls AWS."""

    def __init__(self, client: Callable[[str], Any]) -> None:
        self._client = client
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="alarm-actions")
        self._failures: list[dict[str, str]] = []

    def run(self, alarm: Alarm, old: str, new: str, reason: str) -> None:
        """Do what `alarm`, as DescribeAlarms describes it, asks for when it becomes `new`."""
        if not alarm.get("ActionsEnabled", True):
            return
        change = Change(old, new, reason, time.time())
        for topic in alarm.get(_LISTS[new]) or []:
            text, line = message(alarm, change), subject(alarm, change)
            sent = self._worker.submit(self._send, alarm["AlarmArn"], topic, line, text)
            sent.add_done_callback(partial(self._note, alarm["AlarmName"], topic))

    def failures(self) -> list[dict[str, str]]:
        """Every message that could not be sent: alarm, topic, why."""
        return list(self._failures)

    def _note(self, alarm: str, topic: str, sent: Future[None]) -> None:
        error = sent.exception()
        if error is not None:
            self._failures.append({"alarm": alarm, "topic": topic, "why": str(error)})

    def _send(self, alarm_arn: str, topic: str, line: str, text: str) -> None:
        attributes = self._client("sns").get_topic_attributes(TopicArn=topic)["Attributes"]
        policy = json.loads(attributes["Policy"])
        if policy.get("Id") != _DEFAULT_POLICY:
            _require(f"the policy of {topic}", policy, "sns:Publish", topic, alarm_arn)
        key = attributes.get("KmsMasterKeyId")
        if key:
            # AWS's own alias/aws/sns is no way around: its policy cannot name CloudWatch, and
            # messages to a topic under it are lost (aws/aws-cdk#11121).
            found = self._client("kms").get_key_policy(KeyId=key, PolicyName="default")
            for action in ("kms:GenerateDataKey", "kms:Decrypt"):
                where = f"the policy of key {key}"
                _require(where, json.loads(found["Policy"]), action, key, alarm_arn)
        self._client("sns").publish(TopicArn=topic, Subject=line, Message=text)


def _require(
    where: str, policy: Mapping[str, Any], action: str, resource: str, alarm_arn: str
) -> None:
    account = alarm_arn.split(":")[4]
    context = {
        "aws:SourceArn": alarm_arn,
        "aws:SourceAccount": account,
        "aws:SecureTransport": "true",
    }
    said = consult(
        [Policy(where, policy)],
        Request(action, resource, context),
        Caller(account, service=_SERVICE),
        of_identity=False,
    )
    if said.denies or said.unclear_denies or not said.allows:
        raise PermissionError(f"{where} does not let {_SERVICE} do {action}")


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
