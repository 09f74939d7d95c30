"""An event as the notification that the channel shows."""

from typing import Any

from events.kinds import kind_of
from events.message import Event
from shared.notification import custom

_KIND = "EC2 State Manager Instance Association State Change"


def is_of_a_server(event: Any) -> bool:
    """Whether EventBridge, and not SNS, handed it over."""
    return isinstance(event, dict) and event.get("detail-type") == _KIND


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


_LONGEST = 2000  # characters of what is not known: a channel is read in seconds


def notification(event: Event, group_id: str, runbook: str) -> str:
    """The message; ``runbook`` is the address of the section on events."""
    kind = kind_of(event.name)
    source = event.source or group_id
    if kind is None:
        title = f"Redis {group_id}: ElastiCache reports"
        description = f"{event.name or 'An event without a name'}, of {source}."
    else:
        marker = "needs a person: " if kind.because else ""
        title = f"Redis {group_id}: {marker}{kind.title}"
        description = " ".join(filter(None, (f"{source} {kind.words}", kind.because)))
    if event.rest:
        description += f"\n```\n{event.rest[:_LONGEST].replace('```', '')}\n```"
    return custom(title, description, [f"Runbook: {runbook}"])
