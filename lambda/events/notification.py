"""An event as the custom notification that Chatbot shows; anything else never appears.

Source: Amazon Q Developer in chat applications, "Custom notifications" (schema version 1.0).
"""

import json
from typing import Any

from events.kinds import kind_of
from events.message import Event

_LONGEST = 2000  # characters of what is not known: a channel is read in seconds


def notification(event: Event, group_id: str, runbook: str) -> str:
    """The message; ``runbook`` is the address of the section on events."""
    kind = kind_of(event.name)
    source = event.source or group_id
    if kind is None:
        content = {
            "title": f"Redis {group_id}: ElastiCache reports",
            "description": f"{event.name or 'An event without a name'}, of {source}.",
        }
    else:
        marker = "needs a person: " if kind.because else ""
        content = {
            "title": f"Redis {group_id}: {marker}{kind.title}",
            "description": " ".join(filter(None, (f"{source} {kind.words}", kind.because))),
        }
    if event.rest:
        content["description"] += f"\n```\n{event.rest[:_LONGEST].replace('```', '')}\n```"
    whole: dict[str, Any] = {
        "version": "1.0",
        "source": "custom",
        "content": {"textType": "client-markdown", **content, "nextSteps": [f"Runbook: {runbook}"]},
    }
    return json.dumps(whole)
