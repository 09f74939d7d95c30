"""Messages that would leave AWS for Slack and for PagerDuty, recorded for inspection.

A message counts as shown only where the real receiver would show it:

- Chatbot (Amazon Q Developer in chat applications) shows notifications of AWS services, here those
  of CloudWatch alarms, and custom notifications of the documented schema; anything else never
  appears in the channel (AWS: "Custom notifications", amazon-q-developer-in-chat-applications).
- PagerDuty's CloudWatch integration makes an incident of a CloudWatch alarm's message only
  (third-party posts; unverified).

ElastiCache's events on their way to SNS: sent only where AWS's would arrive.

Source: ElastiCache user guide, "Event Notifications and Amazon SNS" (same account and Region, no
encryption) and "Managing ElastiCache Amazon SNS notifications" (the topic's policy must open it by
aws:SourceOwner). AWS reports no message that does not arrive; here each is recorded.
The form of a message is that of public receivers: the event's name and its source.
"""

import json
import os
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlsplit

from aws_rules.iam import Caller, Request
from emulator.aws.clients import client
from emulator.cloudwatch.actions import Outbox, require

UNRESOLVABLE = (
    ".invalid"  # a name that never resolves (RFC 2606): such a subscriber confirms nothing
)
CHATBOT_ENDPOINT = "https://global.sns-api.chatbot.amazonaws.com"

_ALARM = ("AlarmName", "NewStateValue", "NewStateReason", "StateChangeTime", "Trigger")
# The members of a custom notification and of its parts.
_SCHEMA: dict[str, dict[str, type]] = {
    "notification": {
        **dict.fromkeys(("version", "source", "id"), object),
        **dict.fromkeys(("content", "metadata"), dict),
    },
    "content": {
        **dict.fromkeys(("textType", "title", "description"), str),
        **dict.fromkeys(("nextSteps", "keywords"), list),
    },
    "metadata": {
        **dict.fromkeys(("threadId", "summary", "eventType"), str),
        **dict.fromkeys(("relatedResources", "additionalContext", "enableCustomActions"), object),
    },
}


class Inbox:
    """Takes every delivery; safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._messages: list[dict[str, Any]] = []
        self._refusing: dict[str, int] = {}

    def deliver(self, endpoint: str, body: str, kind: str) -> int:
        """One HTTP delivery of SNS; returns the receiver's status.

        A subscription's confirmation is answered as the receivers do, a notification is recorded.
        The endpoint is recorded without its path: PagerDuty's holds the integration's key.
        """
        if (urlsplit(endpoint).hostname or "").endswith(UNRESOLVABLE):
            return 404
        envelope = json.loads(body)
        if kind == "SubscriptionConfirmation":
            query = parse_qs(urlsplit(envelope["SubscribeURL"]).query)
            client("sns").confirm_subscription(
                TopicArn=envelope["TopicArn"], Token=query["Token"][0]
            )
            return 200
        receiver = _receiver(endpoint)
        if receiver["service"] in self._refusing:
            return self._refusing[receiver["service"]]
        problem = _PROBLEMS[receiver["service"]](envelope.get("Message", ""))
        with self._lock:
            self._messages.append(
                {
                    **receiver,
                    "topic": envelope.get("TopicArn"),
                    "subject": envelope.get("Subject"),
                    "message": envelope.get("Message", ""),
                    "shown": problem is None,
                    "why_not": problem,
                    "time": time.time(),
                }
            )
        return 202 if receiver["service"] == "pagerduty" else 200

    def refuse(self, service: str, status: str) -> None:
        """Have a service answer every notification so from now on, and show none."""
        self._refusing[service] = int(status)

    def accept(self, service: str) -> None:
        """Have a service take notifications again."""
        self._refusing.pop(service, None)

    def messages(self) -> list[dict[str, Any]]:
        """Every notification so far, oldest first."""
        with self._lock:
            return list(self._messages)


def _receiver(endpoint: str) -> dict[str, str]:
    parts = urlsplit(endpoint)
    if endpoint.startswith(CHATBOT_ENDPOINT):
        return {"service": "slack", "channel": parts.path.removeprefix("/")}
    if (parts.hostname or "").endswith(".pagerduty.com"):
        return {"service": "pagerduty", "channel": parts.hostname or ""}
    return {"service": "unknown", "channel": parts.hostname or ""}


def _json(message: str) -> Any:
    try:
        return json.loads(message)
    except ValueError:
        return None


def alarm_problem(message: str) -> str | None:
    """Why this is no message of a CloudWatch alarm, or None."""
    content = _json(message)
    if not isinstance(content, dict):
        return "it is not JSON"
    missing = [key for key in _ALARM if key not in content]
    return f"a CloudWatch alarm's message has {', '.join(missing)}" if missing else None


def custom_problem(message: str) -> str | None:
    """Why this is no custom notification of the documented schema, or None."""
    notification = _json(message)
    if not isinstance(notification, dict):
        return "free text is never shown"
    if notification.get("version") != "1.0" or notification.get("source") != "custom":
        return 'a custom notification has "version": "1.0" and "source": "custom"'
    for part, members in _SCHEMA.items():
        document = notification if part == "notification" else notification.get(part, {})
        for key, value in document.items():
            if key not in members:
                return f"the {part} has no {key}"
            if not isinstance(value, members[key]):
                return f"{key} of the {part} must be a {members[key].__name__}"
    content = notification.get("content", {})
    if not content.get("description"):
        return "a custom notification has a content with a description"
    if content.get("textType", "client-markdown") != "client-markdown":
        return "textType can only be client-markdown"
    return None


_PROBLEMS: dict[str, Callable[[str], str | None]] = {
    "slack": lambda message: alarm_problem(message) and custom_problem(message),
    "pagerduty": alarm_problem,
    "unknown": lambda _message: "no receiver is known at this address",
}


# ElastiCache publishes as an account of AWS's own without a known name: only everyone includes it.
_PUBLISHER = "arn:aws:iam::000000000000:role/elasticache"


class EventTopic(Outbox):
    """The events of ElastiCache."""

    def send(self, topic: str, event: str, source: str, refused: Callable[[], None]) -> None:
        """Publish an event; `refused` is called when it cannot arrive."""
        self.submit(partial(_publish, topic, event, source), refused, event=event, topic=topic)


def _publish(topic: str, event: str, source: str) -> None:
    region, account = topic.split(":")[3:5]
    if (region, account) != (os.environ["AWS_REGION"], os.environ["MINISTACK_ACCOUNT_ID"]):
        raise PermissionError(f"{topic} is in another account or Region than the group")
    attributes = client("sns").get_topic_attributes(TopicArn=topic)["Attributes"]
    if attributes.get("KmsMasterKeyId"):
        raise PermissionError(f"{topic} is encrypted, and ElastiCache cannot publish to it")
    context = {"aws:SourceOwner": account, "aws:SecureTransport": "true"}
    require(
        f"the policy of {topic}",
        json.loads(attributes["Policy"]),
        Request("sns:Publish", topic, context),
        Caller("000000000000", role=_PUBLISHER),
    )
    client("sns").publish(
        TopicArn=topic,
        Subject="ElastiCache Notification Message",
        Message=json.dumps({event: source}),
    )
