"""The answer to everything that this package does not know."""


class CannotBeJudged(Exception):  # noqa: N818 - it is a verdict, not an error
    """A policy, template or call uses what is not modelled; the text says what and where."""
