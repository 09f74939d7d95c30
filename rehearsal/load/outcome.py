"""Everything that a run has measured: the judges and the report see nothing else."""

from __future__ import annotations

import struct
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from redis import Redis

from rehearsal.load.plan import Plan, Record, clients

_ADMITTED, _DENIED, _UNAVAILABLE = 200, 429, 503
_FALLBACK = "fallback"


class Answer(NamedTuple):
    """Times are seconds since the load began; a `status` of 0 is no answer at all.

    `source` says who decided ("redis", "memory", "fallback", "disabled"), "" if nobody tells, and
    `instance` which one of the application. The generator sent the request `late` seconds after it
    was due. `began`, `limited` (the limiter's own seconds) and `answered` are the application's
    account of it, 0 if there is none.
    """

    sent: float
    received: float
    user: str
    ip: str
    tier: str
    status: int
    source: str
    instance: int = 0
    late: float = 0.0
    began: float = 0.0
    limited: float = 0.0
    answered: float = 0.0

    @property
    def response(self) -> float:
        """Seconds until the application had answered; until that was read, if it does not say."""
        return (self.answered or self.received) - self.sent

    @property
    def unread(self) -> float:
        """Seconds that the answer waited for the generator to read it."""
        return self.received - (self.answered or self.received)

    @property
    def admitted(self) -> bool:
        """Whether the limiter let it through."""
        return self.status == _ADMITTED

    @property
    def denied(self) -> bool:
        """Whether the limiter did not; the fallback says that Redis is away."""
        return self.status == _DENIED or (self.status == _UNAVAILABLE and self.source == _FALLBACK)

    @property
    def failed(self) -> bool:
        """Whether it is neither: an error of the application's, or nothing at all."""
        return not (self.admitted or self.denied)

    @property
    def exact(self) -> bool:
        """Whether it is Redis' own decision, or claims to be."""
        return not self.failed and self.source != _FALLBACK

    @property
    def keys(self) -> tuple[Key, Key]:
        """What it counts against: its user's limit and its address's."""
        return Key(self.tier, "user", self.user), Key(self.tier, "ip", self.ip)


class Key(NamedTuple):
    """One limit of one user or address."""

    tier: str
    kind: str
    value: str


def answers(records: Iterable[Record], plan: Plan, begin: float) -> list[Answer]:
    """The records with the names of users, addresses and tiers, in the order of sending."""
    crowd, tiers = clients(plan), list(plan.tiers)
    found = []
    for record in records:
        client = crowd[record.client]
        found.append(
            Answer(
                record.sent / 1e9 - begin,
                record.received / 1e9 - begin,
                client.user,
                client.ip,
                tiers[record.tier],
                record.status,
                record.source,
                record.client % plan.instances,
                (record.sent - record.due) / 1e9,
                record.began and record.began / 1e9 - begin,
                record.limited / 1e9,
                record.answered and record.answered / 1e9 - begin,
            )
        )
    return sorted(found)


_PATTERN = "{rl}:*"
_CYCLE = 1 << 32
_AT_ONCE = 500  # keys


@dataclass(frozen=True)
class Holding:
    """By key the times of what was admitted, as read between `begun` and `read`."""

    begun: float
    read: float
    times: dict[Key, list[float]]


def held(node: Redis, begin: float) -> Holding:
    """Everything that this node holds; times are seconds since `begin` of the monotonic clock.

    `node` must not decode replies. Raises RedisError.
    """
    begun = time.monotonic() - begin
    wall = time.time()
    shift = wall - begun
    found: dict[Key, list[float]] = {}
    for names in _batches(node):
        for name, log in zip(names, node.mget(names), strict=True):
            key = _key(name)
            if key is not None and isinstance(log, bytes) and len(log) % 4 == 0:
                stamps = struct.unpack(f">{len(log) // 4}I", log)
                found[key] = [_seconds(stamp, wall) - shift for stamp in stamps]
    return Holding(begun, time.monotonic() - begin, found)


def _batches(node: Redis) -> Iterator[list[bytes]]:
    names: list[bytes] = []
    for name in node.scan_iter(match=_PATTERN, count=_AT_ONCE):
        names.append(name)
        if len(names) == _AT_ONCE:
            yield names
            names = []
    if names:
        yield names


def _key(name: bytes) -> Key | None:
    parts = name.decode().split(":", 3)
    return Key(*parts[1:]) if len(parts) == 4 else None


def _seconds(stamp: int, wall: float) -> float:
    now = int(wall * 1_000_000)
    behind = (now - stamp) % _CYCLE
    # What was admitted after the reading began lies a little ahead.
    if behind > _CYCLE // 2:
        behind -= _CYCLE
    return (now - behind) / 1_000_000


@dataclass(frozen=True)
class NodeLoad:
    """One node in one second: commands, cores of processor time, open connections."""

    commands: float
    cores: float
    connections: int


@dataclass(frozen=True)
class Sample:
    """One look at the machine. `cores` is by program; a node that is away is not in `nodes`.

    `connections` are open at the application, `ever` have been, a new one of a user counted anew.
    """

    at: float
    connections: int
    ever: int
    cores: dict[str, float]
    nodes: dict[str, NodeLoad]


@dataclass(frozen=True)
class Loss:
    """A node that answered nobody from `before` on, and whose process was `gone` then.

    There was a primary at `promoted`, which held `holding` soon after, and at `whole` the node was
    there again, as "replica" if all is well. Of a lost primary: until when everything written had
    reached the replica, None if never, and how many bytes of its last known stream had not.
    """

    node: str
    before: float
    gone: float
    promoted: float
    whole: float
    holding: Holding
    rejoined_as: str | None
    replicated_until: float | None = None
    bytes_behind: int | None = None


@dataclass(frozen=True)
class Asked:
    """What a client that remembers nothing was told of one key, without anything counted."""

    sent: float
    received: float
    key: Key
    allowed: bool
    source: str


@dataclass(frozen=True)
class Outcome:
    """Times are seconds since the first user came."""

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
