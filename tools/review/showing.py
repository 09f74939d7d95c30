"""How values appear in the report: short, on one line, and never a secret."""

import json
import re
from typing import Any

from tools.review.values import TOKEN

HIDDEN = "(not shown)"
LONGEST = 90  # characters of one value
_SECRET = re.compile(
    r"pass(word|phrase)|token|secret(?!s?manager)|credential|(api|access|private)_?key",
    re.IGNORECASE,
)
_HARMLESS = re.compile(r"(name|id|arn|length|days|hours|type)s?$", re.IGNORECASE)
_REFERENCE = re.compile(r"^(\{\{resolve:|\$\{)")
_ADDRESS = re.compile(r"(https?://[^/\s\"]+)/[^\s\"]+")


def shown(path: str, value: Any) -> str:
    """A value as text for a table; ``path`` says whether it may be shown at all."""
    if value is None:
        return "absent"
    text = json.dumps(_guarded(path, value), ensure_ascii=False, sort_keys=True)
    if isinstance(value, str):
        text = text[1:-1].replace('\\"', '"')
    text = short(text)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def code(text: str) -> str:
    """Text as inline code in a cell of a Markdown table."""
    return f"`{text.replace('`', chr(39)).replace('|', chr(92) + '|')}`" if text else "` `"


def _guarded(path: str, value: Any) -> Any:
    """The value without what could be a secret: a literal under a name that sounds like one."""
    match value:
        case dict():
            return {key: _guarded(f"{path}.{key}", item) for key, item in value.items()}
        case list():
            return [_guarded(path, item) for item in value]
        case str():
            name = path.rsplit(".", 1)[-1]
            if _SECRET.search(name) and not _HARMLESS.search(name) and not _harmless(value):
                return HIDDEN
            # The last part of a webhook's address is what lets one in.
            return _ADDRESS.sub(rf"\1/{HIDDEN}", value) if name == "Endpoint" else value
    return value


def _harmless(value: str) -> bool:
    return value in ("", "true", "false") or bool(_REFERENCE.match(value))


def short(text: str) -> str:
    """Text in which a reference is the logical id alone."""
    return TOKEN.sub(lambda found: ".".join(part for part in found.groups()[1:] if part), text)
