"""Waiting on a state that only an API call tells."""

import time
from collections.abc import Callable
from typing import TypeVar

_BETWEEN_LOOKS = 0.1  # seconds

T = TypeVar("T")


def wait_until(look: Callable[[], T | None], *, seconds: float, what: str) -> T:
    """Call `look` until it returns something else than None; TimeoutError after `seconds`."""
    deadline = time.monotonic() + seconds
    while (found := look()) is None:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds:.0f} s")
        time.sleep(_BETWEEN_LOOKS)
    return found
