"""Each line of the plan with its tests and how they last ended."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from tools.report.outcomes import Outcome
from tools.report.plan import Line, function


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
    return [
        _test(name, file, [outcomes.get(test) for test in cases])
        for (file, name), cases in functions.items()
    ]


def _test(name: str, file: str, outcomes: list[Outcome | None]) -> Test:
    ran = [outcome for outcome in outcomes if outcome]
    words = {outcome.word for outcome in ran}
    if "failed" in words:
        state = State.FAILED
    elif len(ran) < len(outcomes) or words != {"passed"}:
        state = State.NOT_RUN  # a test that skips proves nothing
    else:
        state = State.PROVEN
    oldest = min(ran, key=lambda outcome: outcome.at, default=None)
    return Test(name, file, len(outcomes), state, oldest)
