"""Why nothing is restored, in the words that the terminal shows."""


class CannotRestore(Exception):  # noqa: N818 - an answer, not a fault
    """What is wrong, why, and what to do instead."""
