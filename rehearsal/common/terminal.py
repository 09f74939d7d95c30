"""What the operator sees: one line a step, with its time and what it found."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

_LABEL = 44  # columns


class Terminal:
    """Prints a step when it begins, on a terminal, and its outcome when it is over."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._live = sys.stdout.isatty()

    @contextmanager
    def step(self, label: str) -> Iterator["Finding"]:
        """The line of one step; what is put into the finding stands at the line's end."""
        if self._live:
            print(f"  … {label}", end="", flush=True)
        began, finding, mark = time.monotonic(), Finding(), "✗"
        try:
            yield finding
            mark = "✓"
        finally:
            seconds = f"{time.monotonic() - began:5.1f} s"
            start = "\r" if self._live else ""
            print(f"{start}  {mark} {label:<{_LABEL}}{seconds}  {finding.text}", flush=True)

    def say(self, text: str = "") -> None:
        """A line beside the steps."""
        print(text, flush=True)

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return time.monotonic() - self._began


class Finding:
    """What a step found, in a few words."""

    text = ""
