"""One deployed resource, as its template asked for it."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Resource:
    """One resource of one stack; `properties` as the template has them, references unresolved."""

    stack: str
    logical_id: str
    kind: str
    physical_id: str
    properties: dict[str, Any]
    deletion_policy: str

    def __str__(self) -> str:
        """How a message names it."""
        return f"{self.kind} {self.logical_id} of {self.stack} ({self.physical_id})"
