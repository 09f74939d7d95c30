"""What a reviewer must know of one resource, and the name by which it can be acknowledged."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Self


class What(StrEnum):
    """What a change does to a resource; the words that an acknowledgement uses."""

    REPLACE = "replace"
    DELETE = "delete"
    INTERRUPT = "interrupt"
    WEAKEN = "weaken"
    WIDEN = "widen"
    LOOSEN = "loosen"


@dataclass(frozen=True)
class Finding:
    """One thing that a change does to one resource.

    ``causes`` say what in the template does it, ``effect`` what follows for data or people.
    ``evidence`` is all that the judgement rests on: it goes into ``difference``, by which an
    acknowledgement is bound to this change and to no other. What is not ``refused`` is only told.
    """

    what: What
    stack: str
    resource: str
    kind: str
    causes: tuple[str, ...]
    effect: str
    evidence: Any = None
    refused: bool = True

    @property
    def name(self) -> tuple[str, str, str]:
        """What an acknowledgement names: stack, resource, what."""
        return (self.stack, self.resource, self.what.value)

    @property
    def difference(self) -> str:
        """Twelve digits that change whenever anything about this finding changes."""
        text = json.dumps([self.name, self.causes, self.evidence], sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def joined(self, other: Self) -> "Finding":
        """Both as one, since one acknowledgement covers a resource and what is done to it."""
        effects = [self.effect, *([other.effect] if other.effect not in self.effect else [])]
        return replace(
            self,
            causes=tuple(dict.fromkeys(self.causes + other.causes)),
            effect=" ".join(effects),
            evidence=[self.evidence, other.evidence],
            refused=self.refused or other.refused,
        )


def gathered(findings: Iterable[Finding]) -> list[Finding]:
    """One finding a name and a severity, in the order of severity, stack and resource."""
    found: dict[tuple[str, str, str, bool], Finding] = {}
    for finding in findings:
        key = (*finding.name, finding.refused)
        found[key] = found[key].joined(finding) if key in found else finding
    order = list(What)
    return sorted(
        found.values(), key=lambda one: (not one.refused, order.index(one.what), one.name)
    )
