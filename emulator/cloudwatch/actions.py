"""What a change of an alarm's state sets off: a message to its topics, if CloudWatch may send it.

Sources: CloudWatch user guide, "Alarm actions" (only a change acts, and only while the actions are
enabled); SNS developer guide, "Default Amazon SNS access policy" and "Enable compatibility between
event sources from AWS services and encrypted topics". CloudWatch tells nobody that an action
failed but the alarm's history; here it is kept for inspection.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

from aws_rules.policies import Policy, Request, consult
from aws_rules.principals import Caller
from emulator.cloudwatch.message import Change, message, subject

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
