"""What the limiter costs the Redis that decides: processor time, memory, replication, connections.

Processor time and bytes, never wall-clock time: others may use the machine meanwhile.
"""

from __future__ import annotations

import asyncio
import itertools
import struct
import uuid
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import astuple, dataclass
from statistics import median

import psutil

from benchmarks.limiter.measured.load import users_and_addresses
from benchmarks.limiter.server import Server
from benchmarks.limiter.worker import MeasuredError, Worker, workers
from emulator.nodes.server import connect
from emulator.nodes.waiting import until
from vibewell_redis import RateLimitItem, Settings
from vibewell_redis.asyncio import RateLimiter
from vibewell_redis.keys import PREFIX, stem, tail

# One more than a table of the server holds, so that it has just doubled: the dearest moment.
KEYS = 4097
USER = str(uuid.UUID(int=0))  # an id of the longest common kind
ADDRESS = "203.0.113.255"
TOGETHER, ALONE = 100, 1  # tasks that ask at a time: their decisions share commands, or none does
HELD = 100  # requests of an identity in its window before the nearly full ones are asked
ITEM = RateLimitItem.parse("general", "120,60")
# What is decided: the scenario of bench-limiter, and how many requests each key holds before.
CASES = {
    "one limit": ("one", 0),
    "user and IP": ("headers", 0),
    "user and IP, nearly full": ("headers", HELD),
}

_CALLS = 1000  # keys that one round trip writes
_SENT_MILLISECONDS = 5000
_WARM_SECONDS = 0.15
_MANY = 200  # idle connections
_FLOOD = 400  # tasks
_GONE_SECONDS = 10.0


# --- Memory --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Identity:
    """Bytes by MEMORY USAGE of the key, and of all for each of many: tables and expiry too."""

    key: float
    all: float


def write(
    server: Server, item: RateLimitItem, kind: str, values: Iterable[str], requests: int
) -> int:
    """Give each of these identifiers so many admitted requests, spread over the window until now.

    Keys as the script leaves them, written without asking it: so many full users take seconds.
    Returns how many they are.
    """
    seconds, micros = server.process.control.time()
    now = seconds * 1_000_000 + micros
    apart = item.seconds * 1_000_000 // (requests + 2)
    times = [(now - apart * back) % 2**32 for back in range(requests, 0, -1)]
    log = struct.pack(f">{requests}I", *times)
    begin = stem(PREFIX, item, kind).encode()
    keys = [begin + tail(value) for value in values]
    for first in range(0, len(keys), _CALLS):
        pipeline = server.process.control.pipeline(transaction=False)
        for key in keys[first : first + _CALLS]:
            pipeline.set(key, log, px=item.seconds * 1000)
        pipeline.execute()
    return len(keys)


def identities(server: Server) -> Mapping[tuple[str, str], Identity]:
    """By tier and kind of identifier. Raises MeasuredError if a key is not what it should be."""
    settings = server.settings
    found = {}
    for tier, item in settings.tiers.items():
        asyncio.run(_fill(settings, tier))
        values = {"user": USER, "ip": ADDRESS}
        made = {kind: _usage(server, item, kind, value) for kind, value in values.items()}
        for kind, value in values.items():
            server.empty()
            others = [f"{value[:-5]}{number:05}" for number in range(KEYS)]
            found[tier, kind] = Identity(made[kind], _growth(server, item, kind, others))
            if _usage(server, item, kind, others[0]) != made[kind]:
                raise MeasuredError(f"{tier}: a key that was written is not like the limiter's")
        server.empty()
    return found


async def _fill(settings: Settings, tier: str) -> None:
    limiter = RateLimiter.from_settings(settings, deadline=30.0)
    requests = settings.tiers[tier].requests
    try:
        admitted = [bool(await limiter.hit(tier, user=USER, ip=ADDRESS)) for _ in range(requests)]
    finally:
        await limiter.aclose()
    if not all(admitted):
        raise MeasuredError(f"{tier}: only {sum(admitted)} of {requests} requests were admitted")


def _usage(server: Server, item: RateLimitItem, kind: str, value: str) -> int:
    key = stem(PREFIX, item, kind).encode() + tail(value)
    length = server.process.call("strlen", key.decode())
    if length != 4 * item.requests:
        raise MeasuredError(f"{item.name}: a full key has {length} bytes, not 4 a request")
    return int(server.process.call("memory usage", key.decode(), "samples", 0))


def _growth(server: Server, item: RateLimitItem, kind: str, values: list[str]) -> float:
    before = _used(server)
    written = write(server, item, kind, values, item.requests)
    return (_used(server) - before) / written


def _used(server: Server) -> int:
    """Bytes of data: without what connections and the replicas' backlog hold."""
    # What still waits to be sent to a replica would count as data.
    server.process.call("wait", len(server.replicas), _SENT_MILLISECONDS)
    return int(server.process.info("memory")["used_memory_dataset"]) + _tables(server)


def _tables(server: Server) -> int:
    stats = server.process.control.memory_stats()
    return sum(
        int(stats[name][part])
        for name in stats
        if name.startswith("db.")
        for part in ("overhead.hashtable.main", "overhead.hashtable.expires")
    )


# --- Processor time and replication --------------------------------------------------------------


@dataclass(frozen=True)
class Decision:
    """Microseconds of processor time at the primary and at one replica; bytes to one replica."""

    user: float
    system: float
    replica: float
    replicated: float

    @property
    def cpu(self) -> float:
        """What EngineCPUUtilization counts: user and system time, TLS among it."""
        return self.user + self.system


def decisions(
    server: Server, rounds: int, seconds: float, progress: Callable[[str], None]
) -> Mapping[tuple[str, int], Decision]:
    """By case and tasks: medians of the rounds. Raises MeasuredError."""
    found: dict[tuple[str, int], list[Decision]] = {}
    with workers(["ours"], server, deadline=30.0) as (worker,):
        for number, (case, tasks) in itertools.product(
            range(1, rounds + 1), itertools.product(CASES, (TOGETHER, ALONE))
        ):
            progress(f"round {number} of {rounds}: {case}, {tasks} at a time")
            one = _measure(worker, server, case, tasks, seconds)
            found.setdefault((case, tasks), []).append(one)
    return {key: _medians(decisions) for key, decisions in found.items()}


def _measure(worker: Worker, server: Server, case: str, tasks: int, seconds: float) -> Decision:
    scenario, held = CASES[case]
    server.empty()
    worker.ask("closed", scenario=scenario, seconds=_WARM_SECONDS, callers=tasks)
    if held:
        _hold(worker, server, held)
    else:
        server.empty()
    before = _Figures.of(server)
    result = worker.ask("closed", scenario=scenario, seconds=seconds, callers=tasks)
    after = _Figures.of(server)
    if result["denied"] or result["unmeasured"]:
        raise MeasuredError(
            f"{case}: {result['denied']} requests were denied and {result['unmeasured']} answered "
            "without Redis: what was measured is not what it was meant to be"
        )
    return after.since(before, int(result["decisions"]))


def _hold(worker: Worker, server: Server, held: int) -> None:
    """Every user and address has so many requests; the limiter itself must agree."""
    server.empty()
    users, addresses = zip(
        *sorted(set(itertools.islice(users_and_addresses(), 20_000))), strict=True
    )
    write(server, ITEM, "user", users, held)
    write(server, ITEM, "ip", addresses, held)
    told = worker.ask("tell", user=users[0], ip=addresses[0])
    if [remaining for remaining, _ in told] != [ITEM.requests - held - 1] * 2:
        raise MeasuredError(f"the limiter reads {told} of a key that holds {held} requests")


@dataclass(frozen=True)
class _Figures:
    user: float
    system: float
    replica: float
    offset: int

    @classmethod
    def of(cls, server: Server) -> _Figures:
        cpu = server.process.info("cpu")
        replicas = [replica.info("cpu") for replica in server.replicas]
        busy = [float(one["used_cpu_user"]) + float(one["used_cpu_sys"]) for one in replicas]
        return cls(
            user=float(cpu["used_cpu_user"]),
            system=float(cpu["used_cpu_sys"]),
            replica=sum(busy) / len(busy),
            offset=int(server.process.info("replication")["master_repl_offset"]),
        )

    def since(self, before: _Figures, decisions: int) -> Decision:
        return Decision(
            user=1e6 * (self.user - before.user) / decisions,
            system=1e6 * (self.system - before.system) / decisions,
            replica=1e6 * (self.replica - before.replica) / decisions,
            replicated=(self.offset - before.offset) / decisions,
        )


def _medians(decisions: list[Decision]) -> Decision:
    return Decision(*map(median, zip(*map(astuple, decisions), strict=True)))


# --- Connections ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Connections:
    """`opened` by the limiter of one process under a flood; bytes of one that is idle.

    `counted` are those in used_memory; `resident` is what the process grew by, TLS' buffers too,
    which no limit of Redis counts.
    """

    opened: int
    counted: float
    resident: float


def connections(server: Server) -> Connections:
    """On a server that nobody else uses."""
    until(lambda: not _clients(server), _GONE_SECONDS, "the connections of others are gone")
    with workers(["ours"], server, deadline=30.0, RATE_LIMIT_GENERAL="100000,60") as (worker,):
        worker.ask("closed", scenario="headers", seconds=0.3, callers=TOGETHER)
        worker.ask("closed", scenario="headers", seconds=0.3, callers=_FLOOD)
        opened = _clients(server)
    server.empty()
    counted, resident = _memory(server), _resident(server)
    with ExitStack() as stack:
        for _ in range(_MANY):
            login = {"ca_file": str(server.ca_file), "password": server.token}
            stack.enter_context(connect(server.host, server.port, **login)).ping()
        return Connections(
            opened,
            (_memory(server) - counted) / _MANY,
            (_resident(server) - resident) / _MANY,
        )


def _clients(server: Server) -> int:
    """Those with the token: the benchmark's own connections have a user of their own."""
    found = server.process.control.client_list()
    return sum(client["user"] == "default" and client["flags"] != "S" for client in found)


def _memory(server: Server) -> int:
    return int(server.process.info("memory")["used_memory"])


def _resident(server: Server) -> int:
    return int(psutil.Process(server.process.pid).memory_info().rss)
