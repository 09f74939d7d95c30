"""What an update in place does to data and to those who use it: effects.toml, read and applied."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tools.review.findings import What
from tools.review.values import number

FILE = Path(__file__).with_name("effects.toml")
UNTOLD = "nobody has written down what a change of it does (tools/review/effects.toml)"


@dataclass(frozen=True)
class Effect:
    """One row: ``what`` happens ``when`` a property changes in one direction, and its source.

    ``absent`` is what AWS takes where the template says nothing. A row with no ``what`` says that
    nothing happens.
    """

    what: What | None
    when: str
    says: str
    source: str
    absent: str | None = None

    def happens(self, before: Any, after: Any) -> bool:
        """Whether a change from ``before`` to ``after`` is one that the row is about."""
        if self.what is None:
            return False
        was = self.absent if before is None else before
        becomes = self.absent if after is None else after
        return was != becomes and _WHEN[self.when](was, becomes)


@cache
def table() -> Mapping[str, Mapping[str, tuple[Effect, ...]]]:
    """Type -> property -> rows. A property of a group of harmless ones has one row without what."""
    document = tomllib.loads(FILE.read_text())
    rows: dict[str, dict[str, tuple[Effect, ...]]] = {}
    for kind, properties in document.items():
        harmless = properties.pop("harmless", {"properties": [], "source": ""})
        rows[kind] = {
            name: (Effect(None, "changed", "", harmless["source"]),)
            for name in harmless["properties"]
        } | {
            name: tuple(
                Effect(
                    What(row["what"]),
                    row.get("when", "changed"),
                    row["says"],
                    row["source"],
                    row.get("absent"),
                )
                for row in effects
            )
            for name, effects in properties.items()
        }
    return rows


def effects(kind: str, path: str, before: Any, after: Any) -> Iterator[Effect]:
    """What happens when the property at ``path`` changes; what no row tells counts as danger."""
    known = table().get(kind, {})
    names = [path[:end] for end, sign in enumerate(f"{path}.") if sign == "."]
    rows = next((known[name] for name in reversed(names) if name in known), None)
    if rows is None:
        yield Effect(What.INTERRUPT, "changed", UNTOLD, "")
        return
    yield from (row for row in rows if row.happens(before, after))


def _lower(before: Any, after: Any) -> bool:
    was, becomes = number(before), number(after)
    return was is None or becomes is None or becomes < was


def _higher(before: Any, after: Any) -> bool:
    was, becomes = number(before), number(after)
    return was is None or becomes is None or becomes > was


def _lost(before: Any, _after: Any) -> bool:
    return before is not None


def _off(_before: Any, after: Any) -> bool:
    return bool(after != "true")


def _on(_before: Any, after: Any) -> bool:
    return bool(after != "false")


def _shrunk(before: Any, after: Any) -> bool:
    if not isinstance(before, list) or not isinstance(after, list | None):
        return before is not None
    return any(item not in (after or []) for item in before)


_WHEN = {
    "changed": lambda _before, _after: True,
    "lowered": _lower,
    "raised": _higher,
    "lost": _lost,
    "off": _off,
    "on": _on,
    "shrunk": _shrunk,
}
