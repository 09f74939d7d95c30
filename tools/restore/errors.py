"""Why nothing is restored, in the words that the terminal shows."""

from tools.command import Answer


class CannotRestore(Answer):
    """What is wrong, why, and what to do instead."""
