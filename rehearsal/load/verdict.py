"""What a judge says."""

from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import wrap

_WIDTH = 100
_INDENT = " " * 6


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


def table(verdicts: list[Verdict]) -> str:
    """A line each, with what was measured, and below what is wrong."""
    return "\n".join(line for verdict in verdicts for line in _lines(verdict))


def _lines(verdict: Verdict) -> Iterator[str]:
    mark, word = ("✓", "pass") if verdict.passed else ("✗", "FAIL")
    yield f"  {mark} {verdict.number}  {word}  {verdict.title}"
    for text in (*verdict.measured.splitlines(), *(f"! {one}" for one in verdict.reasons)):
        yield from wrap(text, _WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT)
