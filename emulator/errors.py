"""The one exception that a rehearsal fails with."""


class RehearsalError(Exception):
    """A step failed; the text is what the operator reads, and it ends the rehearsal."""
