"""An event as the notification that the channel shows."""

from events.kinds import kind_of
from events.message import Event
from shared.notification import custom

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
