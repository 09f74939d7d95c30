"""How much load, by whom, when each asks, and when the nodes are lost."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from itertools import count
from pathlib import Path
from random import Random
from typing import NamedTuple

Tier = tuple[int, int]  # requests, in so many seconds


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Times are seconds since the first user comes; all `users` are there after users / spawn_rate.

    A user thinks `think` seconds on the average between an answer and the next request. The primary
    answers nobody from `primary_lost` on, and its process is killed `silence` later. A request
    waits `deadline_ms` for Redis' decision, then the fallback decides.
    """

    users: int
    think: float
    spawn_rate: float
    tiers: Mapping[str, Tier]
    replica_lost: float
    primary_lost: float
    silence: float
    end: float
    instances: int = 2
    deadline_ms: int = 50

    @property
    def window(self) -> int:
        """The longest window of a tier, in seconds."""
        return max(seconds for _, seconds in self.tiers.values())

    @property
    def all_there(self) -> float:
        """When the last user has come."""
        return self.users / self.spawn_rate

    @property
    def wanted_rate(self) -> float:
        """Requests a second that must be reached: nine tenths of what the users could ask."""
        return 0.9 * self.users / self.think

    def stretched(self, by: int) -> Plan:
        """The same requests in so many times the time, for a machine that is slow."""
        return replace(
            self,
            think=self.think * by,
            spawn_rate=self.spawn_rate / by,
            tiers={name: (many, seconds * by) for name, (many, seconds) in self.tiers.items()},
            replica_lost=self.replica_lost * by,
            primary_lost=self.primary_lost * by,
            silence=self.silence * by,
            end=self.end * by,
            deadline_ms=self.deadline_ms * by,
        )


def full(tiers: Mapping[str, Tier]) -> Plan:
    """The plan's 5000 users, long enough for whole windows before and after the losses."""
    return Plan(
        users=5000,
        think=5.0,
        spawn_rate=250,
        tiers=tiers,
        replica_lost=90,
        primary_lost=112,
        silence=3,
        end=180,
    )


# The load test in sixteen seconds: a hundred users, windows of three seconds.
SHORT = Plan(
    users=100,
    think=1.0,
    spawn_rate=50,
    tiers={
        "general": (24, 3),
        "auth": (6, 3),
        "sensitive": (4, 3),
        "admin": (30, 3),
        "mfa": (2, 3),
        "financial": (5, 3),
    },
    replica_lost=6,
    primary_lost=9,
    silence=0.3,
    end=15,
    # Other work runs beside: what it takes of the machine is no fault of the limiter's.
    deadline_ms=250,
)


# What an ordinary user asks for, of a hundred requests.
SHARES = {"general": 70, "auth": 8, "sensitive": 5, "admin": 12, "mfa": 2, "financial": 3}

STEADY, LATE, BURSTS, OFFICE, THINKING = "steady", "late", "bursts", "office", "thinking"
_PAIR = 2
_AT_THE_OFFICE = 4


class Client(NamedTuple):
    """`tier` is the only one that it asks for, None for an ordinary user; `of` share its demand."""

    number: int
    user: str
    ip: str
    habit: str
    tier: str | None = None
    of: int = 1


def clients(plan: Plan) -> list[Client]:
    """All of them, the greedy ones first. Raises ValueError if there is no place for those."""
    numbers = count()
    found = [client for tier in plan.tiers for client in _greedy(tier, numbers)]
    if len(found) > plan.users:
        raise ValueError(f"{plan.users} users are too few: {len(found)} are greedy alone")
    while len(found) < plan.users:
        number = next(numbers)
        found.append(Client(number, f"user-{number}", address(number), THINKING))
    return found


def address(number: int) -> str:
    """An address of the block that is set aside for load tests (RFC 2544)."""
    return f"198.18.{number >> 8}.{number & 255}"


def _greedy(tier: str, numbers: Iterator[int]) -> Iterator[Client]:
    for habit in (STEADY, LATE, BURSTS):
        for _ in range(_PAIR):
            number = next(numbers)
            yield Client(number, f"{habit}-{tier}", address(number), habit, tier, _PAIR)
    door = None
    for _ in range(_AT_THE_OFFICE):
        number = next(numbers)
        door = door or address(number)
        yield Client(number, f"{OFFICE}-{tier}-{number}", door, OFFICE, tier, _AT_THE_OFFICE)


Next = Callable[[float], float]

_TIMES_THE_LIMIT = 4  # what steady clients ask for
# A counter that starts a new window at a fixed time, or at a key's first request, admits twice its
# limit to this: one request, then all at the window's end, then all again behind it.
_LATE_BURST, _EARLY_BURST, _CYCLE = 0.8, 1.05, 2.1  # windows
_LOST_AT = 0.85  # windows: between the two bursts
_BURST_OF = 1.2  # limits


def rhythm(client: Client, plan: Plan) -> Next:
    """Tells from the time of the last answer when the next request is due; the past is at once."""
    if client.habit == THINKING or client.tier is None:
        draw = _draw(client.number)
        return lambda now: now + draw.uniform(0.8, 1.2) * plan.think
    if client.habit == LATE:
        times = late(client, plan)
    elif client.habit == BURSTS:
        times = bursts(client, plan)
    else:
        times = steady(client, plan)
    return lambda _now: next(times)


def steady(client: Client, plan: Plan) -> Iterator[float]:
    """Evenly, a little uneven, and much more than the limit."""
    requests, seconds = plan.tiers[client.tier or ""]
    apart = seconds * client.of / (requests * _TIMES_THE_LIMIT)
    draw, due = _draw(client.number), 0.0
    while True:
        due += apart * draw.uniform(0.5, 1.5)
        yield due


def late(client: Client, plan: Plan) -> Iterator[float]:
    """The primary is lost between two bursts: the window is full then, and stays so for a while."""
    requests, seconds = plan.tiers[client.tier or ""]
    many = math.ceil(requests * _BURST_OF / client.of)
    start = (plan.primary_lost - _LOST_AT * seconds) % (_CYCLE * seconds)
    while True:
        yield start
        for burst in (_LATE_BURST, _EARLY_BURST):
            yield from [start + burst * seconds] * many
        start += _CYCLE * seconds


def bursts(client: Client, plan: Plan) -> Iterator[float]:
    """Small and large ones at any time."""
    requests, seconds = plan.tiers[client.tier or ""]
    draw, due = _draw(client.number // client.of), 0.0
    while True:
        due += draw.uniform(0.1, 0.6) * seconds
        many = math.ceil(requests * draw.choice((0.1, 0.25, 0.5, 1.0)) / client.of)
        yield from [due] * many


def _draw(seed: int) -> Random:
    return Random(seed)  # noqa: S311 - a load is no secret


USER_HEADER = "X-Demonstration-User"
CLIENT_HEADER = "X-Forwarded-For"
SOURCE_HEADER = "X-Decided-By"
TIMES_HEADER = "X-Times"  # three counts of nanoseconds: see Record


@dataclass(frozen=True)
class Order:
    """`begin` is the monotonic clock's time that all times of the plan count from.

    `urls` are the application's instances, `paths` leads from a tier to its route, `records` is
    the file that the answers are written to.
    """

    plan: Plan
    begin: float
    urls: list[str]
    paths: Mapping[str, str]
    records: str

    def text(self) -> str:
        """As JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def of(cls, text: str) -> Order:
        """From JSON."""
        fields = json.loads(text)
        plan = fields.pop("plan")
        plan["tiers"] = {name: (many, seconds) for name, (many, seconds) in plan["tiers"].items()}
        return cls(Plan(**plan), **fields)


_RECORD = struct.Struct("<QQQQQQIHBB")
SOURCES = ("", "redis", "memory", "fallback", "disabled")


class Record(NamedTuple):
    """Times are nanoseconds of the machine's monotonic clock, which all processes share.

    The request was `due`, and `sent` and its answer `received` by the generator. The application
    `began` with it and had `answered` it, and the limiter took `limited` nanoseconds of that: all
    three are 0 if it does not say. `status` is 0 if there was no answer; `tier` is its place in the
    plan.
    """

    due: int
    sent: int
    began: int
    limited: int
    answered: int
    received: int
    client: int
    status: int
    tier: int
    source: str

    def pack(self) -> bytes:
        """As it stands in the file; a source that nobody knows stands as none."""
        source = SOURCES.index(self.source) if self.source in SOURCES else 0
        return _RECORD.pack(*self[:-1], source)


class Reader:
    """Reads what has been added since the last time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._at = 0

    def news(self) -> Iterator[Record]:
        """The records that are complete by now."""
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            file.seek(self._at)
            data = file.read()
        whole = len(data) - len(data) % _RECORD.size
        self._at += whole
        for *numbers, source in _RECORD.iter_unpack(data[:whole]):
            yield Record._make((*numbers, SOURCES[source]))
