"""Limiters in virtual time: an exact one, and those that only look like it."""

from collections.abc import Callable
from typing import Protocol

from rehearsal.load.outcome import Key
from rehearsal.load.plan import Tier


class Limiter(Protocol):
    """One key's: whether it has room at a time, and that it has admitted something then."""

    def has_room(self, now: float) -> bool: ...

    def count(self, now: float) -> None: ...


Make = Callable[[Key, Tier], Limiter]


class ExactLog:
    """What the project's limiter is; `more` makes it one that counts wrongly."""

    def __init__(self, _key: Key, tier: Tier, more: int = 0) -> None:
        self.requests, self.seconds = tier[0] + more, tier[1]
        self.times: list[float] = []

    def has_room(self, now: float) -> bool:
        return sum(at > now - self.seconds for at in self.times) < self.requests

    def count(self, now: float) -> None:
        self.times.append(now)


class FixedWindow(ExactLog):
    """INCR and EXPIRE: a window begins with the first request after the last one."""

    def has_room(self, now: float) -> bool:
        if self.times and now >= self.times[0] + self.seconds:
            self.times.clear()
        return len(self.times) < self.requests


class ClockWindow(ExactLog):
    """A counter for each three seconds of the clock."""

    def has_room(self, now: float) -> bool:
        current = now // self.seconds
        return sum(at // self.seconds == current for at in self.times) < self.requests


class Bucket(ExactLog):
    """A full bucket at first, filled evenly: at most its size at once, but more in a window."""

    def __init__(self, key: Key, tier: Tier) -> None:
        super().__init__(key, tier)
        self.left, self.at = float(self.requests), 0.0

    def has_room(self, now: float) -> bool:
        filled = (now - self.at) * self.requests / self.seconds
        self.left, self.at = min(self.requests, self.left + filled), now
        return self.left >= 1

    def count(self, now: float) -> None:
        self.left -= 1
        self.times.append(now)


class Even(ExactLog):
    """Denies who comes sooner than the limit's average: it never admits too many."""

    def has_room(self, now: float) -> bool:
        return not self.times or now >= self.times[-1] + self.seconds / self.requests
