"""The five lines, as the terminal shows them."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap

from rehearsal.load.verdict import Verdict

_WIDTH = 100
_INDENT = " " * 6


def table(verdicts: list[Verdict]) -> str:
    """A line each, with what was measured, and below what is wrong."""
    return "\n".join(line for verdict in verdicts for line in _lines(verdict))


def _lines(verdict: Verdict) -> Iterator[str]:
    mark, word = ("✓", "pass") if verdict.passed else ("✗", "FAIL")
    yield f"  {mark} {verdict.number}  {word}  {verdict.title}"
    for text in (*verdict.measured.splitlines(), *(f"! {one}" for one in verdict.reasons)):
        yield from wrap(text, _WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT)
