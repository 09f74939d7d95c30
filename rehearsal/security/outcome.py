"""How a check ends: with what was tried, with a breach, or not made at all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from subprocess import TimeoutExpired

from emulator.errors import RehearsalError
from rehearsal.security.target import Target


class BreachError(Exception):
    """Something got through: the text says what was tried, where, and what answered."""


class NotHereError(Exception):
    """What this target cannot show: the text says why."""


class Outcome(StrEnum):
    """What stands at the beginning of a line."""

    PASS = "PASS"  # noqa: S105 - a word, not a password
    FAIL = "FAIL"
    NOT_HERE = "----"


@dataclass(frozen=True)
class Check:
    """One line of the table; `attack` returns what it tried and found."""

    name: str
    attack: Callable[[Target], str]


@dataclass(frozen=True)
class Line:
    """A check that is over."""

    name: str
    outcome: Outcome
    text: str


def perform(checks: Sequence[Check], target: Target) -> Iterator[Line]:
    """Each check, as it ends. What could not be finished has failed."""
    for check in checks:
        try:
            text, outcome = check.attack(target), Outcome.PASS
        except NotHereError as reason:
            text, outcome = f"not checked here: {reason}", Outcome.NOT_HERE
        except (BreachError, RehearsalError) as breach:
            text, outcome = str(breach), Outcome.FAIL
        except (OSError, TimeoutExpired) as trouble:
            text = f"could not be finished: {trouble or type(trouble).__name__}"
            outcome = Outcome.FAIL
        yield Line(check.name, outcome, text)
