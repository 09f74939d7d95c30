"""What the generator is told."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from rehearsal.load.plan import Plan

USER_HEADER = "X-Demonstration-User"
CLIENT_HEADER = "X-Forwarded-For"
SOURCE_HEADER = "X-Decided-By"
TIMES_HEADER = "X-Times"  # three counts of nanoseconds: see Record


@dataclass(frozen=True)
class Order:
    """`begin` is the monotonic clock's time that all times of the plan count from.

    `urls` are the application's instances, `paths` leads from a tier to its route, `records` is
    the file that the answers are written to.
    """

    plan: Plan
    begin: float
    urls: list[str]
    paths: Mapping[str, str]
    records: str

    def text(self) -> str:
        """As JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def of(cls, text: str) -> Order:
        """From JSON."""
        fields = json.loads(text)
        plan = fields.pop("plan")
        plan["tiers"] = {name: (many, seconds) for name, (many, seconds) in plan["tiers"].items()}
        return cls(Plan(**plan), **fields)
