"""The limiters that are measured, each used as its own documentation says, and two yardsticks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from importlib import import_module
from typing import Protocol

from benchmarks.limiter.measured.access import Access

# (user, ip) -> whether the request is admitted.
Decide = Callable[[str, str], Awaitable[bool]]
# (user, ip) -> remaining and seconds until more quota, of the user and of the IP; None: denied.
Headers = Callable[[str, str], Awaitable[Sequence[tuple[int, float]] | None]]


class Candidate(Protocol):
    """One limiter, or a yardstick; made within a running event loop."""

    strategy: str  # what it was told to use

    async def connect(self) -> None:
        """Be ready: connections open, scripts loaded."""

    async def one(self, user: str, ip: str) -> bool:
        """Decide over the user alone."""

    async def both(self, user: str, ip: str) -> bool:
        """Decide over the user and the IP address."""

    async def headers(self, user: str, ip: str) -> Sequence[tuple[int, float]] | None:
        """Decide over both and say of each how much remains and when there is more."""

    def unmeasured(self) -> int:
        """Answers so far that were not Redis' own nor still hold for it."""


# Name -> module of this package. The order is that of the table.
NAMES = {
    "no-op": "nothing",
    "floor": "floor",
    "limits moving": "limits_moving",
    "limits counter": "limits_counter",
    "throttled-py": "throttled_py",
    "pyrate-limiter": "pyrate",
    "ours": "ours",
}
THREADED = " in threads"  # behind a name: the limiter's form for threads


def make(name: str, access: Access) -> Candidate:
    """The candidate of this name. Raises KeyError."""
    if name.endswith(THREADED):
        module = import_module(f"{__name__}.threaded")
        threaded: Candidate = module.make(access, name.removesuffix(THREADED))
        return threaded
    module = import_module(f"{__name__}.{NAMES[name]}")
    candidate: Candidate = module.make(access)
    return candidate
