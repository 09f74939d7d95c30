"""What ElastiCache writes into its topic.

Three forms are known. `{"ElastiCache:SnapshotComplete": "redis-001"}`, a name and its source, is
what groups send today (seen in public receivers). `{"Message": …, "SourceIdentifier": …}` is the
sample of the user guide's page of Memcached, and `ElastiCache:SnapshotComplete : redis-001` is how
the table of Redis' page writes a message; some of its lines leave out `ElastiCache:`, and others
have words without a name. Anything else is passed on as it is.
"""

import json
import re
from dataclasses import dataclass, replace
from typing import Any

from events.kinds import kind_of, name_in

_NAME = re.compile(r"\s*ElastiCache\s*:\s*(\w+)", re.IGNORECASE)
_LINE = re.compile(_NAME.pattern + r"[^:]*?(?:\s:\s|\s)\s*([\w-]+)\s*", re.IGNORECASE)


class UnreadableEventError(Exception):
    """What came is not a message of SNS at all."""


@dataclass(frozen=True)
class Event:
    """`name` is "" for one without a name; `rest` is the remainder of the message."""

    name: str
    source: str
    rest: str = ""


def messages(event: Any) -> list[str]:
    """The texts that SNS hands over in one invocation. Raises UnreadableEventError."""
    try:
        found = [record["Sns"]["Message"] for record in event["Records"]]
    except (KeyError, TypeError) as problem:
        raise UnreadableEventError(f"this is no message of SNS: {problem}") from problem
    if not found or not all(isinstance(text, str) for text in found):
        raise UnreadableEventError("this message of SNS has no text")
    return found


def read(text: str) -> Event:
    """The event in a message of any form; none is refused."""
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        return _in_words(text)
    for key, value in found.items():
        if (name := _NAME.match(key)) or kind_of(key):
            others = {other: said for other, said in found.items() if other != key}
            return Event(name[1] if name else key, str(value or ""), _lines(others))
    if "Message" in found:
        event = _in_words(str(found["Message"]))
        return replace(event, source=str(found.get("SourceIdentifier") or event.source))
    return Event(name_in(text), "", _lines(found) or text)


def _in_words(text: str) -> Event:
    """Of a message in words: with its event's name, or as AWS words an event that pages."""
    if line := _LINE.fullmatch(text):
        return Event(line[1], line[2])
    source = re.search(r"\s:\s*([\w-]+)\s*$", text)
    name = name_in(text)
    return Event(name, source[1] if name and source else "", text)


def _lines(found: dict[str, Any]) -> str:
    return "\n".join(f"{key}: {value}" for key, value in found.items())
