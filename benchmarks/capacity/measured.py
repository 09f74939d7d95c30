"""What the limiter costs the Redis that decides: processor time, memory, replication, connections.

Processor time and bytes, never wall-clock time: others may use the machine meanwhile. What is
returned is as docs/operate/scaling-figures.json keeps it: bytes, microseconds, counts by name.
"""

from __future__ import annotations

import asyncio
import itertools
import struct
import uuid
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from statistics import median
from typing import Any

from benchmarks.limiter.measured.load import users_and_addresses
from benchmarks.limiter.server import Server
from benchmarks.limiter.worker import MeasuredError, Worker, workers
from emulator.clean_environment import ROOT
from emulator.nodes.server import connect
from emulator.nodes.waiting import until
from vibewell_redis import RateLimitItem, Settings
from vibewell_redis.asyncio import RateLimiter
from vibewell_redis.keys import PREFIX, stem, tail

RECORD = ROOT / "docs" / "operate" / "scaling-figures.json"
# One more than a table of the server holds, so that it has just doubled: the dearest moment.
KEYS = 4097
USER = str(uuid.UUID(int=0))  # an id of the longest common kind
ADDRESS = "203.0.113.255"
# Tasks that ask at a time: their decisions share commands, or none does.
TRAVELS = {"together": 100, "alone": 1}
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


def identities(server: Server) -> dict[str, dict[str, float]]:
    """Bytes of a full key by tier and kind of identifier: one of many, with tables and expiry.

    Raises MeasuredError if a key is not what it should be.
    """
    settings, found = server.settings, dict[str, dict[str, float]]()
    for tier, item in settings.tiers.items():
        asyncio.run(_fill(settings, tier))
        values = {"user": USER, "ip": ADDRESS}
        made = {kind: _usage(server, item, kind, value) for kind, value in values.items()}
        for kind, value in values.items():
            server.empty()
            others = [f"{value[:-5]}{number:05}" for number in range(KEYS)]
            before = _used(server)
            written = write(server, item, kind, others, item.requests)
            found.setdefault(tier, {})[kind] = (_used(server) - before) / written
            if _usage(server, item, kind, others[0]) != made[kind]:
                raise MeasuredError(f"{tier}: a key that was written is not like the limiter's")
        server.empty()
    return found


async def _fill(settings: Settings, tier: str) -> None:
    requests = settings.tiers[tier].requests
    async with RateLimiter.from_settings(settings, deadline=30.0) as limiter:
        admitted = [bool(await limiter.hit(tier, user=USER, ip=ADDRESS)) for _ in range(requests)]
    if not all(admitted):
        raise MeasuredError(f"{tier}: only {sum(admitted)} of {requests} requests were admitted")


def _usage(server: Server, item: RateLimitItem, kind: str, value: str) -> int:
    key = stem(PREFIX, item, kind).encode() + tail(value)
    length = server.process.call("strlen", key.decode())
    if length != 4 * item.requests:
        raise MeasuredError(f"{item.name}: a full key has {length} bytes, not 4 a request")
    return int(server.process.call("memory usage", key.decode(), "samples", 0))


def _used(server: Server) -> int:
    """Bytes of data: without what connections and the replicas' backlog hold."""
    # What still waits to be sent to a replica would count as data.
    server.process.call("wait", len(server.replicas), _SENT_MILLISECONDS)
    stats = server.process.control.memory_stats()
    tables = (
        int(stats[name][part])
        for name in stats
        if name.startswith("db.")
        for part in ("overhead.hashtable.main", "overhead.hashtable.expires")
    )
    return int(server.process.info("memory")["used_memory_dataset"]) + sum(tables)


def decisions(
    server: Server, rounds: int, seconds: float, progress: Callable[[str], None]
) -> list[dict[str, Any]]:
    """Of one decision in each case, alone and together: medians of the rounds.

    ``cpu_us`` is what EngineCPUUtilization counts: user and system time, with TLS;
    ``replica_us`` and ``replicated_bytes`` are of one replica. Raises MeasuredError.
    """
    found: dict[tuple[str, str], list[list[float]]] = {}
    with workers(["ours"], server, deadline=30.0) as (worker,):
        for number, (case, travels) in itertools.product(
            range(rounds), itertools.product(CASES, TRAVELS)
        ):
            progress(f"round {number + 1} of {rounds}: {case}, {travels}")
            measured = _measure(worker, server, case, TRAVELS[travels], seconds)
            found.setdefault((case, travels), []).append(measured)
    rows = []
    for (case, travels), measurements in found.items():
        cpu, replica, replicated = map(median, zip(*measurements, strict=True))
        row = {"case": case, "travels": travels, "cpu_us": round(cpu, 1)}
        rows.append(row | {"replica_us": round(replica, 1), "replicated_bytes": round(replicated)})
    return rows


def _measure(worker: Worker, server: Server, case: str, tasks: int, seconds: float) -> list[float]:
    scenario, held = CASES[case]
    server.empty()
    worker.ask("closed", scenario=scenario, seconds=_WARM_SECONDS, callers=tasks)
    server.empty()
    if held:
        _hold(worker, server, held)
    before = _work_of(server)
    result = worker.ask("closed", scenario=scenario, seconds=seconds, callers=tasks)
    after = _work_of(server)
    if result["denied"] or result["unmeasured"]:
        raise MeasuredError(
            f"{case}: {result['denied']} requests were denied and {result['unmeasured']} answered "
            "without Redis: what was measured is not what it was meant to be"
        )
    apart = zip(before, after, strict=True)
    return [(end - begin) / int(result["decisions"]) for begin, end in apart]


def _hold(worker: Worker, server: Server, held: int) -> None:
    """Every user and address has so many requests; the limiter itself must agree."""
    users, addresses = zip(*sorted(set(users_and_addresses())), strict=True)
    write(server, ITEM, "user", users, held)
    write(server, ITEM, "ip", addresses, held)
    windows_left = worker.ask("look", user=users[0], ip=addresses[0])
    if [remaining for remaining, _ in windows_left] != [ITEM.requests - held - 1] * 2:
        raise MeasuredError(f"the limiter reads {windows_left} of a key that holds {held} requests")


def _work_of(server: Server) -> list[float]:
    """Microseconds of the primary and of one replica, and bytes to each, so far."""
    busy = []
    for process in (server.process, *server.replicas):
        cpu = process.info("cpu")
        busy.append(1e6 * (float(cpu["used_cpu_user"]) + float(cpu["used_cpu_sys"])))
    sent = int(server.process.info("replication")["master_repl_offset"])
    return [busy[0], sum(busy[1:]) / len(busy[1:]), sent]


def connections(server: Server) -> dict[str, int]:
    """`opened` by the limiter of one process under a flood; bytes of an idle one in used_memory.

    Nothing else may use the server.
    """
    until(lambda: not _clients(server), _GONE_SECONDS, "the connections of others are gone")
    with workers(["ours"], server, deadline=30.0, RATE_LIMIT_GENERAL="100000,60") as (worker,):
        for tasks in (TRAVELS["together"], _FLOOD):
            worker.ask("closed", scenario="headers", seconds=0.3, callers=tasks)
        opened = _clients(server)
    server.empty()
    counted = _memory(server)
    with ExitStack() as stack:
        for _ in range(_MANY):
            login = {"ca_file": str(server.ca_file), "password": server.token}
            stack.enter_context(connect(server.host, server.port, **login)).ping()
        each = (_memory(server) - counted) / _MANY
    return {"opened": opened, "counted_bytes": round(each)}


def _clients(server: Server) -> int:
    """Those with the token: the benchmark's own connections have a user of their own."""
    found = server.process.control.client_list()
    return sum(client["user"] == "default" and client["flags"] != "S" for client in found)


def _memory(server: Server) -> int:
    return int(server.process.info("memory")["used_memory"])


def table(found: dict[str, Any]) -> str:
    """What one decision and one identity cost, as the document has it."""
    lines = [
        f"Measured on {found['machine']}.",
        "",
        "| one decision | travels | engine CPU | of a replica | to each replica |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {one['case']} | {one['travels']} | {one['cpu_us']:.1f} µs | {one['replica_us']:.1f} µs "
        f"| {one['replicated_bytes']:,} B |"
        for one in found["decisions"]
    ]
    lines += ["", "| one full key | a user | an address |", "|---|---|---|"]
    lines += [
        f"| {tier} | {kinds['user']:,} B | {kinds['ip']:,} B |"
        for tier, kinds in found["identity_bytes"].items()
    ]
    return "\n".join(lines)
