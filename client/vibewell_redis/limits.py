"""What is limited: so many requests in so many seconds, under a name."""

from __future__ import annotations

import re
from operator import attrgetter
from typing import NamedTuple

# Times are kept as milliseconds modulo 2**32 (49.7 days): a window must stay well below half of it.
MOST_SECONDS = 14 * 24 * 3600
MOST_REQUESTS = 1_000_000
MOST_WINDOWS = 8  # of one tier
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_FORM = re.compile(r"(\d{1,9}),(\d{1,9})", re.ASCII)


class RateLimitItem(NamedTuple):
    """At most ``requests`` in any ``seconds``; ``name`` is the tier's and part of the key.

    ``longer`` are the tier's further windows, which must admit a request too. Make one with
    ``parse`` or ``of``, which refuse what cannot be kept.
    """

    name: str
    requests: int
    seconds: int
    longer: tuple[RateLimitItem, ...] = ()

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
        """The plan's form: ``120,60`` is 120 requests in 60 seconds; ``10,1;1000,3600`` are two.

        The shortest window keeps the tier's name, and with it its key when a longer one is added;
        each other has its seconds in its name. Raises ValueError.
        """
        parts = text.split(";")
        if len(parts) > MOST_WINDOWS:
            raise ValueError(f"{len(parts)} windows: write 1 to {MOST_WINDOWS}")
        windows = sorted((cls._window(name, each) for each in parts), key=attrgetter("seconds"))
        if len({one.seconds for one in windows}) < len(windows):
            raise ValueError("two windows have the same length: write the stricter one alone")
        shortest, *longer = windows
        named = (one._replace(name=f"{name}.{one.seconds}") for one in longer)
        return shortest._replace(longer=tuple(named))

    @classmethod
    def _window(cls, name: str, text: str) -> RateLimitItem:
        form = _FORM.fullmatch(text)
        if form is None:
            raise ValueError(
                f"{text!r} is not of the form requests,seconds: write for example 120,60"
            )
        return cls.of(name, int(form[1]), int(form[2]))

    @property
    def windows(self) -> tuple[RateLimitItem, ...]:
        """Each window by itself, the shortest first."""
        return self._replace(longer=()), *self.longer

    def __str__(self) -> str:
        """The plan's form."""
        return ";".join(f"{one.requests},{one.seconds}" for one in (self, *self.longer))
