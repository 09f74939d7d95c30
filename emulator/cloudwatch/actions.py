"""Actions of an alarm whose state changes: a message to its topics, if CloudWatch may send it.

Sources: CloudWatch user guide, "Alarm actions" (only a change acts, and only while the actions are
enabled); SNS developer guide, "Default Amazon SNS access policy" and "Enable compatibility between
event sources from AWS services and encrypted topics". CloudWatch records an action
that failed in the alarm's history only; here it can be inspected.

The message has fields of those seen in public (2023 to 2025); AWS documents no schema of it.
"""

import json
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from typing import Any

from aws_rules.iam import Caller, Policy, Request, consult
from emulator.aws.clients import client

_LISTS = {
    "ALARM": "AlarmActions",
    "OK": "OKActions",
    "INSUFFICIENT_DATA": "InsufficientDataActions",
}
# The policy of a topic that was given none: it lets its own account's services publish.
_DEFAULT_POLICY = "__default_policy_ID"

Alarm = Mapping[str, Any]
_SUBJECT = 100  # characters that SNS takes


class Outbox:
    """Sends one message after the other, in a thread, and keeps what could not be sent."""

    def __init__(self) -> None:
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="outbox")
        self._failures: list[dict[str, str]] = []

    def submit(
        self, send: Callable[[], object], failed: Callable[[], None] = lambda: None, **of: str
    ) -> None:
        """Run `send` later; where it raises, run `failed` and keep `of` and why."""

        def done(sent: Future[object]) -> None:
            if (error := sent.exception()) is not None:
                failed()
                self._failures.append({**of, "why": str(error)})

        self._worker.submit(send).add_done_callback(done)

    def failures(self) -> list[dict[str, str]]:
        """Every message that could not be sent: of what, to which topic, why."""
        return list(self._failures)


def require(where: str, policy: Mapping[str, Any], request: Request, caller: Caller) -> None:
    """Raises PermissionError unless the policy of a resource allows the request."""
    said = consult([Policy(where, policy)], request, caller, of_identity=False)
    if said.denies or said.unclear_denies or not said.allows:
        who = caller.service or "ElastiCache"
        raise PermissionError(f"{where} does not let {who} do {request.action}")


class Actions(Outbox):
    """The actions of alarms."""

    def run(self, alarm: Alarm, old: str, new: str, reason: str) -> None:
        """Do what `alarm`, as DescribeAlarms describes it, asks for when it becomes `new`."""
        if not alarm.get("ActionsEnabled", True):
            return
        name, arn = alarm["AlarmName"], alarm["AlarmArn"]
        text = _message(alarm, OldStateValue=old, NewStateValue=new, NewStateReason=reason)
        line = f'{new}: "{name}"'[:_SUBJECT]
        for topic in alarm.get(_LISTS[new]) or []:
            self.submit(partial(_send, arn, topic, line, text), alarm=name, topic=topic)


def _send(alarm_arn: str, topic: str, line: str, text: str) -> None:
    account = alarm_arn.split(":")[4]
    caller = Caller(account, service="cloudwatch.amazonaws.com")
    context = {
        "aws:SourceArn": alarm_arn,
        "aws:SourceAccount": account,
        "aws:SecureTransport": "true",
    }
    attributes = client("sns").get_topic_attributes(TopicArn=topic)["Attributes"]
    policy = json.loads(attributes["Policy"])
    if policy.get("Id") != _DEFAULT_POLICY:
        publish = Request("sns:Publish", topic, context)
        require(f"the policy of {topic}", policy, publish, caller)
    if key := attributes.get("KmsMasterKeyId"):
        # AWS's own alias/aws/sns is no way around: its policy cannot name CloudWatch, and
        # messages to a topic under it are lost (aws/aws-cdk#11121).
        key_policy = client("kms").get_key_policy(KeyId=key, PolicyName="default")["Policy"]
        for action in ("kms:GenerateDataKey", "kms:Decrypt"):
            use = Request(action, key, context)
            require(f"the policy of key {key}", json.loads(key_policy), use, caller)
    client("sns").publish(TopicArn=topic, Subject=line, Message=text)


def _message(alarm: Alarm, **changed: str) -> str:
    moment = datetime.now(UTC).isoformat(timespec="milliseconds")
    given = ("AlarmName", "AlarmDescription", "AlarmArn", "OKActions", "AlarmActions")
    trigger = ("MetricName", "Namespace", "Metrics", "Threshold", "ComparisonOperator")
    return json.dumps(
        {
            **{name: alarm.get(name) for name in given},
            **changed,
            "StateChangeTime": moment.replace("+00:00", "+0000"),
            "Trigger": {name: alarm[name] for name in trigger if name in alarm},
        }
    )
