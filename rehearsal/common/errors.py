"""The exception that a rehearsal fails with, and comparisons that raise it."""

from collections.abc import Iterator
from contextlib import contextmanager

from emulator.errors import EmulatorError


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
