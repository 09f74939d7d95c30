"""Limits: so many requests in so many seconds, under a name, and tiers of one or several."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

# Times are kept as milliseconds modulo 2**32 (49.7 days): a window must stay well below half of it.
MOST_SECONDS = 14 * 24 * 3600
MOST_REQUESTS = 1_000_000
MOST_WINDOWS = 8  # of one tier
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_FORM = re.compile(r"(\d{1,9}),(\d{1,9})", re.ASCII)


class RateLimitItem(NamedTuple):
    """At most ``requests`` in any ``seconds``; ``name`` is the tier's and part of the key.

    Make one with ``parse`` or ``of``, which refuse what cannot be kept.
    """

    name: str
    requests: int
    seconds: int

    @classmethod
    def of(cls, name: str, requests: int, seconds: int) -> RateLimitItem:
        """A limit that can be kept. Raises ValueError, which says what to write instead."""
        if not _NAME.fullmatch(name):
            raise ValueError(
                f"the name {name!r} becomes part of a key: write 1 to 32 lower-case letters, "
                "digits, hyphens and underscores, a letter first"
            )
        if not 1 <= requests <= MOST_REQUESTS:
            raise ValueError(f"{requests} requests: write 1 to {MOST_REQUESTS}")
        if not 1 <= seconds <= MOST_SECONDS:
            raise ValueError(f"{seconds} seconds: write 1 to {MOST_SECONDS}")
        return cls(name, requests, seconds)

    @classmethod
    def parse(cls, name: str, text: str) -> RateLimitItem:
        """The plan's form: ``120,60`` is 120 requests in 60 seconds. Raises ValueError."""
        form = _FORM.fullmatch(text)
        if form is None:
            raise ValueError(
                f"{text!r} is not of the form requests,seconds: write for example 120,60"
            )
        return cls.of(name, int(form[1]), int(form[2]))

    def __str__(self) -> str:
        """The plan's form."""
        return f"{self.requests},{self.seconds}"


# One window, or several that all must admit the request.
Tier = RateLimitItem | tuple[RateLimitItem, ...]


def tier_of(items: Iterable[RateLimitItem]) -> Tier:
    """One limit, or several with windows of different lengths, the shortest first.

    The shortest keeps its name, and with it its key when a longer window is added; each other has
    its seconds in its name. Raises ValueError.
    """
    windows = sorted(items, key=lambda item: item.seconds)
    if not 1 <= len(windows) <= MOST_WINDOWS:
        raise ValueError(f"{len(windows)} windows: write 1 to {MOST_WINDOWS}")
    if len({item.seconds for item in windows}) < len(windows):
        raise ValueError("two windows have the same length: write the stricter one alone")
    shortest, *longer = windows
    if not longer:
        return shortest
    return shortest, *(one._replace(name=f"{shortest.name}.{one.seconds}") for one in longer)


def parse_tier(name: str, text: str) -> Tier:
    """A tier in the plan's form: ``120,60``, or ``10,1;1000,3600`` for two. Raises ValueError."""
    return tier_of(RateLimitItem.parse(name, part.strip()) for part in text.split(";"))


def windows_of(tier: Tier) -> tuple[RateLimitItem, ...]:
    """Every window of a tier."""
    return (tier,) if isinstance(tier, RateLimitItem) else tier
