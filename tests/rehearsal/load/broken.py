"""Applications that are broken on purpose, as `python -m rehearsal.load.serve` takes them."""

import os
from typing import Any

from example.app import create


def unlimited() -> Any:
    """The limiter switched off."""
    os.environ["REDIS_ENABLED"] = "false"
    return create()


def mistaken() -> Any:
    """What an application does that refuses its settings."""
    raise ValueError("a mistake in the settings")
