"""The lines of docs/reference/plan.md, and which tests prove each."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

_ROW = re.compile(r"^\| (\d+(?:\.\d+)?) \|(.*)\|$", re.MULTILINE)
_OPEN = "not yet"


class PlanError(Exception):
    """A row of the table that cannot be read, in words for whoever wrote it."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line; ``where`` is Markdown. No ``named`` tests means all that carry the section."""

    section: str
    asked: str
    deployed: str
    where: str
    named: tuple[str, ...]
    open: bool

    def tests(self, marked: Mapping[str, Sequence[str]]) -> list[str]:
        """The ids among ``marked`` (test id -> its sections) that prove this line."""
        if self.open:
            return []
        return [
            test
            for test, sections in marked.items()
            if self.section in sections and (not self.named or function(test) in self.named)
        ]


def lines(document: str) -> list[Line]:
    """Every row of the table. Raises PlanError for one that has not five cells."""
    return list(_lines(document))


def function(test: str) -> str:
    """The name of a test's function, without its file and its parameters."""
    return test.split("[", 1)[0].rsplit("::", 1)[-1]


def _lines(document: str) -> Iterator[Line]:
    for row in _ROW.finditer(document):
        cells = [cell.strip() for cell in row[2].split("|")]
        if len(cells) != 4:
            raise PlanError(
                f"docs/reference/plan.md: the row of §{row[1]} that begins with {cells[0]!r} has "
                f"{1 + len(cells)} cells. Write five: §, plan, deployed, where, proven by"
            )
        asked, deployed, where, proof = cells
        named = tuple(re.findall(r"`(test_\w+)`", proof))
        if proof and proof != _OPEN and not named:
            raise PlanError(
                f"docs/reference/plan.md: §{row[1]} {asked!r} is proven by {proof!r}. Write the "
                f"names of tests in backquotes, '{_OPEN}', or nothing for all tests of the section"
            )
        yield Line(row[1], asked, deployed, where, named, proof == _OPEN)
