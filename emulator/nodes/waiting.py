"""Waiting for a condition or an answer, never longer than said."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Return as soon as `condition()` is true; TimeoutError naming `what` after `seconds`."""
    wait_until(lambda: condition() or None, seconds=seconds, what=what, pause=0.005)


def wait_until(look: Callable[[], T | None], *, seconds: float, what: str, pause: float = 0.1) -> T:
    """Call `look` until it returns something else than None; TimeoutError after `seconds`."""
    deadline = time.monotonic() + seconds
    while (answer := look()) is None:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds:g} s")
        time.sleep(pause)
    return answer
