"""How much load, by whom, when each asks, when the nodes are lost, and what an answer is."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from itertools import count
from random import Random
from typing import NamedTuple

Tier = tuple[int, int]  # requests, in so many seconds


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Times are seconds since the first user comes; all `users` are there after users / spawn_rate.

    A user thinks `think` seconds on the average between an answer and the next request. The primary
    answers no client from `primary_lost` on, and its process is killed `silence` later. A request
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
    def all_there(self) -> float:
        """When the last user has come."""
        return self.users / self.spawn_rate

    @property
    def wanted_rate(self) -> float:
        """Requests per second that must be reached: nine tenths of what the users could ask."""
        return 0.9 * self.users / self.think

    def stretched(self, by: int) -> Plan:
        """The same requests in so many times the time, for a machine that is slow."""
        times = ("think", "replica_lost", "primary_lost", "silence", "end", "deadline_ms")
        return replace(
            self,
            spawn_rate=self.spawn_rate / by,
            tiers={name: (many, seconds * by) for name, (many, seconds) in self.tiers.items()},
            **{name: getattr(self, name) * by for name in times},
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


# The load test in fifteen seconds: a hundred users, windows of three seconds.
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

STEADY, LATE, OFFICE, THINKING = "steady", "late", "office", "thinking"


class Client(NamedTuple):
    """`tier` is the only one that it asks for, None for an ordinary user; `of` share its demand."""

    number: int
    user: str
    ip: str
    habit: str
    tier: str | None = None
    of: int = 1


def clients(plan: Plan) -> list[Client]:
    """All of them, the greedy ones first: in each tier two pairs and four behind one address."""
    numbers = count()
    found = [client for tier in plan.tiers for client in _greedy(tier, numbers)]
    while len(found) < plan.users:
        number = next(numbers)
        found.append(Client(number, f"user-{number}", address(number), THINKING))
    return found


def address(number: int) -> str:
    """An address of the block that is set aside for load tests (RFC 2544)."""
    return f"198.18.{number >> 8}.{number & 255}"


def _greedy(tier: str, numbers: Iterator[int]) -> Iterator[Client]:
    for habit in (STEADY, LATE):
        for number in (next(numbers), next(numbers)):
            yield Client(number, f"{habit}-{tier}", address(number), habit, tier, 2)
    office = [next(numbers) for _ in range(4)]
    for number in office:
        yield Client(number, f"{OFFICE}-{tier}-{number}", address(office[0]), OFFICE, tier, 4)


Next = Callable[[float], float]

_TIMES_THE_LIMIT = 4  # what steady clients ask for
# A counter that starts a new window at a fixed time, or at a key's first request, admits twice its
# limit to this: one request, then all at the window's end, then all again behind it.
_LATE_BURST, _EARLY_BURST, _CYCLE = 0.8, 1.05, 2.1  # windows
_LOST_AT = 0.85  # windows: between the two bursts
_BURST_OF = 1.2  # limits


def rhythm(client: Client, plan: Plan) -> Next:
    """When the next request is due, by the time of the last answer; a time that is past is now."""
    draw = Random(client.number)  # noqa: S311 - a load is no secret
    if client.tier is None:
        return lambda now: now + draw.uniform(0.8, 1.2) * plan.think
    times = late(client, plan) if client.habit == LATE else steady(client, plan, draw)
    return lambda _now: next(times)


def steady(client: Client, plan: Plan, draw: Random) -> Iterator[float]:
    """Evenly, a little uneven, and much more than the limit."""
    requests, seconds = plan.tiers[client.tier or ""]
    apart, due = seconds * client.of / (requests * _TIMES_THE_LIMIT), 0.0
    while True:
        due += apart * draw.uniform(0.5, 1.5)
        yield due


def late(client: Client, plan: Plan) -> Iterator[float]:
    """The primary is lost between two bursts: the window is full then, and stays so for a while."""
    requests, seconds = plan.tiers[client.tier or ""]
    many = math.ceil(requests * _BURST_OF / client.of)
    start = (plan.primary_lost - _LOST_AT * seconds) % (_CYCLE * seconds)
    while True:
        if client.number % client.of == 0:  # one request of all who share the limit
            yield start
        for burst in (_LATE_BURST, _EARLY_BURST):
            yield from [start + burst * seconds] * many
        start += _CYCLE * seconds


USER_HEADER = "X-Demonstration-User"
CLIENT_HEADER = "X-Forwarded-For"
SOURCE_HEADER = "X-Decided-By"
TIMES_HEADER = "X-Times"  # began, the limiter's share, answered: nanoseconds


@dataclass(frozen=True)
class Order:
    """`begin` is the monotonic clock's time that all times of the plan count from.

    `urls` are the application's instances, `paths` leads from a tier to its route, `records` is
    the file that the answers are written to, one JSON list per line.
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


class Key(NamedTuple):
    """One limit of one user or address."""

    tier: str
    kind: str
    value: str


_ADMITTED, _DENIED, _UNAVAILABLE = 200, 429, 503
_FALLBACK = "fallback"


class Answer(NamedTuple):
    """Times are seconds since the load began; a `status` of 0 is no answer at all.

    `source` says who decided ("redis", "memory", "fallback", "disabled"), "" if unknown, and
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
