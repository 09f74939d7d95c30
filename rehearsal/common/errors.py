"""The exception that a rehearsal fails with, and comparisons that raise it."""

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
