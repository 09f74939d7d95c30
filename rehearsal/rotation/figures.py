"""What clients counted while they ran."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass
class Figures:
    """Of one client or of many; `longest` is the seconds that one command took at most."""

    commands: int = 0
    failed: int = 0
    longest: float = 0.0
    logins: int = 0
    refused: int = 0
    first_failure: str | None = None

    def count(self, began: float, failure: str | None) -> None:
        """A command that began at that time of the monotonic clock is over."""
        self.commands += 1
        self.longest = max(self.longest, time.monotonic() - began)
        if failure is not None:
            self.failed += 1
            self.first_failure = self.first_failure or failure

    @staticmethod
    def of_all(parts: Iterable[dict[str, Any]]) -> Figures:
        """The figures of many, each as its fields."""
        every = [Figures(**part) for part in parts]
        return Figures(
            commands=sum(one.commands for one in every),
            failed=sum(one.failed for one in every),
            longest=max(one.longest for one in every),
            logins=sum(one.logins for one in every),
            refused=sum(one.refused for one in every),
            first_failure=next((one.first_failure for one in every if one.first_failure), None),
        )
