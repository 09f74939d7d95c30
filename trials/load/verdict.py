"""What a judge says."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Verdict:
    """One of the five lines: `measured` is what was found, `faults` why it fails."""

    number: int
    title: str
    measured: str
    faults: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults
