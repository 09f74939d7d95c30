"""One execution of the recovery test, and the group that is its own."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

INFIX = "-recovery-"
DIGITS = 4  # with them the longest group id that the settings take still fits into 40 characters


@dataclass(frozen=True)
class Run:
    """``execution`` is its name, ``started`` when it began, ``source`` the group under test."""

    source: str
    execution: str
    started: datetime

    @property
    def group_id(self) -> str:
        """The throw-away group: the same for each retry of a step, another for each execution."""
        digest = hashlib.sha256(self.execution.encode()).hexdigest()
        return f"{self.source}{INFIX}{digest[:DIGITS]}"

    @property
    def description(self) -> str:
        """What tells that a group is this execution's: tags cannot be read while one is made."""
        return f"{_described(self.source)} {self.execution}"

    def owns(self, group: Mapping[str, Any]) -> bool:
        """Whether a described group is this execution's."""
        return is_throw_away(group, self.source) and group["Description"] == self.description


def is_throw_away(group: Mapping[str, Any], source: str) -> bool:
    """Whether a described group was made by a recovery test of ``source``.

    Both its name and its description say so: the group under test has neither, and no group that
    somebody else made has both by accident.
    """
    name: str = group["ReplicationGroupId"]
    described: str = group.get("Description", "")
    return (
        name != source
        and name.startswith(f"{source}{INFIX}")
        and described.startswith(f"{_described(source)} ")
    )


def _described(source: str) -> str:
    return f"Recovery test of {source}:"
