"""What a judge says."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Verdict:
    """One of the five lines: `measured` is what was found, in lines; the rest is why it fails.

    `faults` are mistakes on any machine. `unproven` says what a run that was too short or too slow
    did not show, and `slow` what came too late: other programs on the machine cause both.
    """

    number: int
    title: str
    measured: str
    faults: tuple[str, ...] = ()
    unproven: tuple[str, ...] = ()
    slow: tuple[str, ...] = ()

    @property
    def reasons(self) -> tuple[str, ...]:
        """Everything that makes it fail."""
        return self.faults + self.unproven + self.slow

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong."""
        return not self.reasons
