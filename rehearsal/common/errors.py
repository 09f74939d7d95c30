"""The exception that a rehearsal fails with, comparisons that raise it, and waiting."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from emulator.errors import EmulatorError
from emulator.nodes.waiting import wait_until

T = TypeVar("T")


class RehearsalError(EmulatorError):
    """A step failed; the text is what the operator reads, and it ends the rehearsal."""


def expect(what: str, found: object, wanted: object) -> None:
    """RehearsalError unless they are equal."""
    if found != wanted:
        raise RehearsalError(f"{what}: asked for {wanted!r}, there is {found!r}")


def expect_that(truth: bool, what: str) -> None:
    """RehearsalError with `what` unless it is so."""
    if not truth:
        raise RehearsalError(what)


@contextmanager
def expect_refusal(*kinds: type[Exception], otherwise: str, words: str = "") -> Iterator[None]:
    """RehearsalError with `otherwise` unless one of these is raised, whose text has the words."""
    try:
        yield
    except kinds as refusal:
        expect_that(words in str(refusal), f"it was refused without {words!r}: {refusal}")
    else:
        raise RehearsalError(otherwise)


def eventually(look: Callable[[], T | None], what: str, seconds: float = 300) -> T:
    """The first truthy answer of `look`; TimeoutError naming `what` if there is none in time."""
    return wait_until(lambda: look() or None, seconds=seconds, what=what)
