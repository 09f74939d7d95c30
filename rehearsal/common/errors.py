"""The one exception that a rehearsal fails with."""

from emulator.errors import EmulatorError


class RehearsalError(EmulatorError):
    """A step failed; the text is what the operator reads, and it ends the rehearsal."""
