"""The function's entry: each message of ElastiCache's topic goes to the channel's topic.

What cannot be read or sent raises: Lambda tries twice more, then the message goes to the queue of
unread events, which has an alarm.
"""

import os
from datetime import UTC, datetime
from typing import Any

from events.kinds import kind_of
from events.message import Event, messages, read
from shared.boto_config import client
from shared.emf import emitted
from shared.notification import custom, plain

METRIC = "SeriousEvents"
_LONGEST = 2000  # characters of what is not known: a channel is read in seconds


def handler(event: dict[str, Any], _context: object) -> None:
    """Pass on what SNS hands over, or EventBridge of the application servers."""
    group_id, runbook = os.environ["REPLICATION_GROUP_ID"], os.environ["RUNBOOK"]
    if event.get("detail-type") == "EC2 State Manager Instance Association State Change":
        publish(server_notification(event, group_id, f"{runbook}#servers"))
        return
    for text in messages(event):
        found = read(text)
        # Before it is sent: what pages must not depend on the channel.
        print(line(found, group_id, datetime.now(UTC)))
        publish(notification(found, group_id, f"{runbook}#events"))


def line(event: Event, group_id: str, now: datetime) -> str:
    """The line of log of which CloudWatch makes the metric: 1 for what cannot wait, else 0.

    It is what pages: PagerDuty takes the messages of alarms only.
    """
    kind = kind_of(event.name)
    serious = float(kind is not None and kind.because is not None)
    said = {"event": event.name, "of": event.source, "says": event.rest}
    return emitted(group_id, now, {METRIC: serious}, said)


def publish(message: str) -> None:
    """Write to the channel's topic."""
    client("sns").publish(TopicArn=os.environ["CHANNEL_TOPIC_ARN"], Message=message)


def server_notification(event: dict[str, Any], group_id: str, runbook: str) -> str:
    """The custom notification; ``runbook`` is the address of the section on servers.

    Raises KeyError for an event that names no server.
    """
    detail = event["detail"]
    return custom(
        f"Redis {group_id}: an application server is not as it must be",
        f"{detail['instance-id']} has not the kernel and systemd values that its "
        f"connections need (run of {detail['document-name']}: {detail['status']}). It works, and "
        "drops connections when many come at once.",
        [f"Runbook: {runbook}"],
    )


def notification(event: Event, group_id: str, runbook: str) -> str:
    """The message; ``runbook`` is the address of the section on events."""
    kind = kind_of(event.name)
    source = plain(event.source) or group_id
    if kind is None:
        title = f"Redis {group_id}: ElastiCache reports"
        description = f"{event.name or 'An event without a name'}, of {source}."
    else:
        marker = "needs a person: " if kind.because else ""
        title = f"Redis {group_id}: {marker}{kind.title}"
        description = " ".join(filter(None, (f"{source} {kind.words}", kind.because)))
    if event.rest:
        description += f"\n```\n{plain(event.rest[:_LONGEST].replace('```', ''))}\n```"
    return custom(title, description, [f"Runbook: {runbook}"])
