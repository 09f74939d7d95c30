"""Everything that a run has measured: the judges see nothing else."""

from __future__ import annotations

import struct
import time
from dataclasses import dataclass, field

from redis import Redis

from rehearsal.load.plan import Answer, Key, Plan

_PATTERN = "{rl}:*"
_CYCLE = 1 << 32
_AT_ONCE = 500  # keys


@dataclass(frozen=True)
class Holding:
    """By key the times of what was admitted; the reading ended at `read`."""

    read: float
    times: dict[Key, list[float]]


def held(node: Redis, begin: float) -> Holding:
    """Everything that this node holds; times are seconds since `begin` of the monotonic clock.

    `node` must not decode replies. Raises RedisError.
    """
    wall = time.time()
    shift = wall - (time.monotonic() - begin)
    found: dict[Key, list[float]] = {}
    every = list(node.scan_iter(match=_PATTERN, count=_AT_ONCE))
    for start in range(0, len(every), _AT_ONCE):
        names = every[start : start + _AT_ONCE]
        for name, log in zip(names, node.mget(names), strict=True):
            parts = name.decode().split(":", 3)
            if len(parts) == 4 and isinstance(log, bytes) and len(log) % 4 == 0:
                stamps = struct.unpack(f">{len(log) // 4}I", log)
                found[Key(*parts[1:])] = [_seconds(stamp, wall) - shift for stamp in stamps]
    return Holding(time.monotonic() - begin, found)


def _seconds(stamp: int, wall: float) -> float:
    now = int(wall * 1_000_000)
    behind = (now - stamp) % _CYCLE
    # What was admitted after the reading began lies a little ahead.
    if behind > _CYCLE // 2:
        behind -= _CYCLE
    return (now - behind) / 1_000_000


@dataclass(frozen=True)
class Sample:
    """One look at the machine: connections open at the application, and cores in use.

    `ever` counts the connections that were open at any look. `others` are cores that programs took
    which are not of this test.
    """

    at: float
    connections: int
    ever: int
    generator: float
    measuring: float
    others: float


@dataclass(frozen=True)
class Loss:
    """A node that answered no client from `before` on, and whose process was `gone` then.

    There was a primary at `promoted`, which held `holding` soon after, and at `whole` the node was
    there again, as "replica" if all is well. Of a lost primary: until when everything written had
    surely reached every replica, None if never.
    """

    node: str
    before: float
    gone: float
    promoted: float
    whole: float
    holding: Holding
    rejoined_as: str | None
    replicated_until: float | None = None


@dataclass(frozen=True)
class Asked:
    """The answer about one key to a client that remembers nothing; no request is counted."""

    received: float
    key: Key
    allowed: bool
    source: str


@dataclass(frozen=True)
class Outcome:
    """Times are seconds since the first user came; answers are in the order of sending."""

    plan: Plan
    answers: list[Answer]
    samples: list[Sample]
    replica: Loss
    primary: Loss
    asked: list[Asked] = field(default_factory=list)

    @property
    def peak(self) -> list[Answer]:
        """What was sent while all users were there."""
        begin, end = self.plan.all_there, self.plan.end
        return [answer for answer in self.answers if begin <= answer.sent < end]

    @property
    def unsure(self) -> frozenset[Answer]:
        """Admissions that the old primary may have taken with it."""
        since, until = self.primary.replicated_until or 0.0, self.primary.promoted
        return frozenset(
            answer
            for answer in self.answers
            if answer.admitted and answer.exact and answer.received > since and answer.sent < until
        )

    def cores(self, what: str) -> float:
        """The average of `generator`, `measuring` or `others` while all users were there."""
        begin, end = self.plan.all_there, self.plan.end
        found = [getattr(one, what) for one in self.samples if begin <= one.at < end]
        return sum(found) / len(found) if found else 0.0
