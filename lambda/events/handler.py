"""The function's entry: each message of ElastiCache's topic goes to the channel's topic.

What cannot be read or sent raises: Lambda tries twice more, then the message goes to the queue of
unread events, which has an alarm.
"""

import os
from datetime import UTC, datetime
from functools import cache
from typing import Any

import boto3

from events.message import messages, read
from events.notification import notification
from events.published import line
from events.servers import is_of_a_server, server_notification
from shared.boto_config import CALLS


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


def tell(message: str) -> None:
    """Write to the channel's topic."""
    sns().publish(TopicArn=os.environ["CHANNEL_TOPIC_ARN"], Message=message)


@cache
def sns() -> Any:
    """The client of this container."""
    return boto3.client("sns", config=CALLS)
