"""Keys that this release has given another name: a file with the old name is read once more.

The next release takes an entry out. Files that still have the old name are refused then.
"""

from collections.abc import MutableMapping
from typing import Any

from environments.section import Refusal

# By the old dotted path, for example {"redis.copies": "redis.replicas"}.
RENAMED: dict[str, str] = {}

Document = MutableMapping[str, Any]


def rename(document: Document) -> dict[str, str]:
    """Give the document's keys their present names; returns those that had an old one.

    Raises Refusal with the path and the reason where a file has both names.
    """
    found = {}
    for old, new in RENAMED.items():
        before, name = _table(document, old)
        if before is None or name not in before:
            continue
        table, key = _table(document, new, make=True)
        if table is None:
            continue  # what is in its place is no table, and is refused as such
        if key in table:
            raise Refusal(
                f"{old}: is the old name of {new}, and the file has both. Only one can count. "
                f"Take {old} out."
            )
        table[key] = before.pop(name)
        found[old] = new
    return found


def _table(document: Document, path: str, *, make: bool = False) -> tuple[Document | None, str]:
    *tables, key = path.split(".")
    found: Any = document
    for name in tables:
        found = found.setdefault(name, {}) if make else found.get(name)
        if not isinstance(found, MutableMapping):
            return None, key
    return found, key
