"""The function's entry: each message of ElastiCache's topic goes to the channel's topic.

What cannot be read or sent raises: Lambda tries twice more, then the message goes to the queue of
unread events, which has an alarm.
"""

import os
from datetime import UTC, datetime
from typing import Any

from events.kinds import kind_of
from events.message import Event, messages, read
from events.notification import is_of_a_server, notification, server_notification
from shared.boto_config import client
from shared.emf import emitted

METRIC = "SeriousEvents"


def handler(event: dict[str, Any], _context: object) -> None:
    """Pass on what SNS hands over, or EventBridge of the application servers."""
    group_id, runbook = os.environ["REPLICATION_GROUP_ID"], os.environ["RUNBOOK"]
    if is_of_a_server(event):
        tell(server_notification(event, group_id, f"{runbook}#servers"))
        return
    for text in messages(event):
        found = read(text)
        # Before it is sent: what pages must not depend on the channel.
        print(line(found, group_id, datetime.now(UTC)))
        tell(notification(found, group_id, f"{runbook}#events"))


def line(event: Event, group_id: str, now: datetime) -> str:
    """The line of log of which CloudWatch makes the metric: 1 for what cannot wait, else 0.

    It is what pages: PagerDuty takes the messages of alarms only.
    """
    kind = kind_of(event.name)
    serious = float(kind is not None and kind.because is not None)
    said = {"event": event.name, "of": event.source, "says": event.rest}
    return emitted(group_id, now, {METRIC: serious}, said)


def tell(message: str) -> None:
    """Write to the channel's topic."""
    client("sns").publish(TopicArn=os.environ["CHANNEL_TOPIC_ARN"], Message=message)
