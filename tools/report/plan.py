"""The lines of docs/reference/plan.md, the tests that prove each, and how they last ended.

pytest itself says which tests are marked: this module is a plugin of it for that,
``pytest --collect-only -p tools.report.plan --plan-json FILE``.
"""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import pytest

from tools.command import Answer
from tools.report.outcomes import Outcome

_ROW = re.compile(r"^\| (\d+(?:\.\d+)?) \|(.*)\|$", re.MULTILINE)
_OPEN = "not yet"


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
    """Every row of the table. Raises Answer for one that has not five cells."""
    found = []
    for row in _ROW.finditer(document):
        cells = [cell.strip() for cell in row[2].split("|")]
        if len(cells) != 4:
            raise Answer(
                f"docs/reference/plan.md: the row of §{row[1]} that begins with {cells[0]!r} has "
                f"{1 + len(cells)} cells. Write five: §, plan, deployed, where, proven by"
            )
        asked, deployed, where, proof = cells
        named = tuple(re.findall(r"`(test_\w+)`", proof))
        if proof and proof != _OPEN and not named:
            raise Answer(
                f"docs/reference/plan.md: §{row[1]} {asked!r} is proven by {proof!r}. Write the "
                f"names of tests in backquotes, '{_OPEN}', or nothing for all tests of the section"
            )
        found.append(Line(row[1], asked, deployed, where, named, proof == _OPEN))
    return found


def function(test: str) -> str:
    """The name of a test's function, without its file and its parameters."""
    return test.split("[", 1)[0].rsplit("::", 1)[-1]


class State(StrEnum):
    """What can be said of a line, or of a test."""

    PROVEN = "proven"
    FAILED = "failed"
    NOT_RUN = "not run here"
    OPEN = "no test yet"


@dataclass(frozen=True, slots=True)
class Test:
    """One function; ``cases`` are its parametrisations, ``last`` the oldest of their outcomes."""

    __test__ = False  # pytest would take it for one of its own

    name: str
    file: str
    cases: int
    state: State
    last: Outcome | None


@dataclass(frozen=True, slots=True)
class Conformance:
    """A line and its tests."""

    line: Line
    tests: list[Test]

    @property
    def state(self) -> State:
        """A line is proven when every one of its tests passed when it last ran here."""
        states = {test.state for test in self.tests} or {State.OPEN}
        worst = (State.FAILED, State.OPEN, State.NOT_RUN, State.PROVEN)
        return next(state for state in worst if state in states)


def conformance(
    lines: Iterable[Line], marked: Mapping[str, Sequence[str]], outcomes: Mapping[str, Outcome]
) -> list[Conformance]:
    """All lines, in their order."""
    return [Conformance(line, _tests(line.tests(marked), outcomes)) for line in lines]


def _tests(ids: Sequence[str], outcomes: Mapping[str, Outcome]) -> list[Test]:
    functions: dict[tuple[str, str], list[str]] = {}
    for test in ids:
        functions.setdefault((test.split("::", 1)[0], function(test)), []).append(test)
    found = []
    for (file, name), cases in functions.items():
        ran = [outcomes[test] for test in cases if test in outcomes]
        words = {outcome.word for outcome in ran}
        if "failed" in words:
            state = State.FAILED
        elif len(ran) < len(cases) or words != {"passed"}:
            state = State.NOT_RUN  # a test that skips proves nothing
        else:
            state = State.PROVEN
        oldest = min(ran, key=lambda outcome: outcome.at, default=None)
        found.append(Test(name, file, len(cases), state, oldest))
    return found


Marked = dict[str, list[str]]  # test id -> the sections that it proves
_LIMIT = 300  # seconds


def marked(root: Path) -> Marked:
    """Collect every marked test of the checkout at ``root``. Raises Answer."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "marked.json"
        # Without the cache, or it would forget what failed last for whoever runs the tests.
        plugins = ["-p", "no:cacheprovider", "-p", "tools.report.plan"]
        collect = ["--collect-only", "-q", "-m", "plan", *plugins, "--plan-json", str(file)]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *collect],
            cwd=root,
            capture_output=True,
            text=True,
            timeout=_LIMIT,
            check=False,
        )
        if done.returncode != 0:
            words = (done.stdout + done.stderr).strip().splitlines()
            raise Answer("the tests cannot be collected:\n" + "\n".join(words[-15:]))
        found: Marked = json.loads(file.read_text())
    return found


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where to write it."""
    parser.addoption("--plan-json", type=Path, required=True, metavar="FILE")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Test id -> the sections that it proves."""
    marked = {item.nodeid: found for item in session.items if (found := sections(item))}
    file: Path = session.config.getoption("--plan-json")
    file.write_text(json.dumps(marked))


def sections(item: pytest.Item) -> list[str]:
    """The sections of the plan that a test carries."""
    return sorted({section for mark in item.iter_markers("plan") for section in mark.args})
