"""What the applications are told, and what they tell in the end."""

from __future__ import annotations

from dataclasses import dataclass, field

REQUESTS = 5  # of each user whose limit must be kept
USERS = 3 * (REQUESTS + 1)


@dataclass(frozen=True)
class Deciding:
    """What the process is told: the SSM path of the settings, and how many instances there are."""

    path: str
    instances: int


@dataclass
class Counted:
    """Of one instance or of all; `longest_gap` is the seconds without a decision of Redis'."""

    decisions: int = 0
    sources: dict[str, int] = field(default_factory=dict)
    longest_gap: float = 0.0
    raised: str | None = None
    left: dict[str, int] = field(default_factory=dict)


def spent_by(user: int) -> int:
    """How much of its limit a user has spent before the upgrade: from nothing to all of it."""
    return user % (REQUESTS + 1)
