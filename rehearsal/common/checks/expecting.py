"""Comparing, with a message that says where."""

from emulator.errors import RehearsalError


def expect(what: str, found: object, wanted: object) -> None:
    """RehearsalError unless they are equal."""
    if found != wanted:
        raise RehearsalError(f"{what}: asked for {wanted!r}, there is {found!r}")


def expect_that(truth: bool, what: str) -> None:
    """RehearsalError with `what` unless it is so."""
    if not truth:
        raise RehearsalError(what)
