"""The custom notification that Chatbot shows in the channel; anything else never appears.

Source: Amazon Q Developer in chat applications, "Custom notifications" (schema version 1.0).
"""

import json
from collections.abc import Sequence
from html import escape
from typing import Any


def custom(title: str, description: str, steps: Sequence[str]) -> str:
    """The message; ``description`` and ``steps`` are Slack's Markdown, steps a list below it."""
    content: dict[str, Any] = {"textType": "client-markdown", "title": title}
    content |= {"description": description} | ({"nextSteps": list(steps)} if steps else {})
    return json.dumps({"version": "1.0", "source": "custom", "content": content})


def plain(text: str) -> str:
    """Text of others, which Slack is not to read as a link, a mention or a format.

    Source: Slack, "Formatting text for app surfaces": the three characters that are escaped.
    """
    return escape(text, quote=False)
