"""One line of the preflight."""

from typing import NamedTuple

OK, WARNING, REFUSED = "✓", "!", "✗"


class Finding(NamedTuple):
    """``mark`` is OK, WARNING or REFUSED; ``remedy`` says what to do instead."""

    mark: str
    text: str
    remedy: str = ""

    def shown(self, subject: str) -> str:
        """The line, as an item of a Markdown list: it is read in a workflow's summary too."""
        remedy = f". {self.remedy}" if self.remedy else ""
        return f"- {self.mark} {subject}: {self.text}{remedy}"


def ok(text: str) -> Finding:
    """The precondition holds."""
    return Finding(OK, text)


def warning(text: str, remedy: str) -> Finding:
    """It could not be read, or what was read does not decide it."""
    return Finding(WARNING, text, remedy)


def refused(text: str, remedy: str) -> Finding:
    """The deployment would fail."""
    return Finding(REFUSED, text, remedy)
