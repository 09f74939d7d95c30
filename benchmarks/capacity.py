"""What the limiter costs the Redis that decides, and how much a node of each type can take.

`make bench-capacity` measures processor time, memory, replication and connections: never wall-clock
time, since others may use the machine meanwhile. `make scaling` writes the tables of
docs/operate/scaling.md from the figures that were kept and the settings.
"""

import argparse
import asyncio
import itertools
import json
import os
import re
import sys
import uuid
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from statistics import median
from typing import Any

from benchmarks.limiter import USERS, user_and_address
from benchmarks.limiter.server import MeasuredError, Server, Worker, cpu_of, server, show, workers
from emulator.clean_environment import ROOT
from emulator.engines import processor
from emulator.nodes.server import connect
from emulator.nodes.waiting import until
from environments.load import load
from environments.node_types import NodeType, node_type
from environments.schema import Settings as Environment
from tools.prices import HOURS
from vibewell_redis import RateLimitItem
from vibewell_redis.asyncio import RateLimiter
from vibewell_redis.keys import PREFIX, stem, tail

DOCUMENT = ROOT / "docs" / "operate" / "scaling.md"
RECORD = DOCUMENT.with_name("scaling-figures.json")
Figures = dict[str, Any]  # as RECORD keeps them: bytes, microseconds, counts by name

ROUNDS, SECONDS = 3, 0.7
# One more than a table of the server holds, so that it has just doubled: the dearest moment.
KEYS = 4097
LONGEST = {"user": str(uuid.UUID(int=0)), "ip": "203.0.113.255"}  # of the common kinds
# Tasks that ask at a time: their decisions share commands, or none does.
TRAVELS = {"together": 100, "alone": 1}
HELD = 100  # requests of an identity in its window before the nearly full ones are asked
ITEM = RateLimitItem.parse("general", "120,60")
CASE = "user and IP"  # a request of the plan's kind
# What is decided: the scenario of bench-limiter, and how many requests each key holds before.
CASES = {"one limit": ("one", 0), CASE: ("headers", 0), f"{CASE}, nearly full": ("headers", HELD)}
NODE_TYPES = ("t3.medium", "t4g.medium", "m6g.large", "m7g.large", "r6g.large", "r7g.large")


def fill(server: Server, about: dict[str, str], item: RateLimitItem, requests: int) -> None:
    """Let the limiter itself admit so many requests. Raises MeasuredError."""

    async def ask() -> int:
        async with RateLimiter.from_settings(server.settings, deadline=30.0) as limiter:
            return sum([bool(await limiter.hit(item.name, **about)) for _ in range(requests)])

    if (admitted := asyncio.run(ask())) != requests:
        raise MeasuredError(f"{item.name}: only {admitted} of {requests} requests were admitted")


def copy(server: Server, item: RateLimitItem, kind: str, first: str, others: Iterable[str]) -> None:
    """Give these identifiers what the first has, without the limiter: so it takes seconds."""
    pipeline = server.process.control.pipeline(transaction=False)
    for other in others:
        pipeline.copy(_key(item, kind, first), _key(item, kind, other))
    pipeline.execute()


def _key(item: RateLimitItem, kind: str, value: str) -> str:
    return stem(PREFIX, item, kind) + tail(value).decode()


def identities(server: Server) -> dict[str, dict[str, int]]:
    """Bytes of a full key by tier and kind of identifier: one of many, with tables and expiry.

    Raises MeasuredError if a key is not what it should be.
    """
    found = {tier: dict[str, int]() for tier in server.settings.tiers}
    for (tier, item), kind in itertools.product(server.settings.tiers.items(), LONGEST):
        server.empty()
        fill(server, LONGEST, item, item.requests)
        first = LONGEST[kind]
        others = [f"{first[:-5]}{number:05}" for number in range(1, KEYS + 1)]
        before = _used(server)
        copy(server, item, kind, first, others)
        found[tier][kind] = round((_used(server) - before) / KEYS)
        if len({_usage(server, item, kind, value) for value in (first, others[-1])}) > 1:
            raise MeasuredError(f"{tier}: a key that was copied is not like the limiter's")
    server.empty()
    return found


def _usage(server: Server, item: RateLimitItem, kind: str, value: str) -> int:
    key = _key(item, kind, value)
    length = server.process.call("strlen", key)
    if length != 4 * item.requests:
        raise MeasuredError(f"{item.name}: a full key has {length} bytes, not 4 a request")
    return int(server.process.call("memory usage", key, "samples", 0))


def _used(server: Server) -> int:
    """Bytes of data: without what connections and the replicas' backlog hold."""
    # What still waits to be sent to a replica would count as data.
    server.process.call("wait", len(server.replicas), 5000)
    stats = server.process.control.memory_stats()
    tables = (
        int(stats[name][part])
        for name in stats
        if name.startswith("db.")
        for part in ("overhead.hashtable.main", "overhead.hashtable.expires")
    )
    return int(server.process.info("memory")["used_memory_dataset"]) + sum(tables)


def decisions(server: Server, rounds: int, seconds: float) -> list[dict[str, Any]]:
    """Of one decision in each case, alone and together: medians of the rounds.

    ``cpu_us`` is what EngineCPUUtilization counts: user and system time, with TLS;
    ``replica_us`` and ``replicated_bytes`` are of one replica. Raises MeasuredError.
    """
    found = {each: list[list[float]]() for each in itertools.product(CASES, TRAVELS)}
    with workers(["ours"], server, deadline=30.0) as (worker,):
        for number, ((case, travels), measured) in itertools.product(range(rounds), found.items()):
            show(f"round {number + 1} of {rounds}: {case}, {travels}")
            measured.append(_measure(worker, server, case, TRAVELS[travels], seconds))
    rows = []
    for (case, travels), measured in found.items():
        cpu, replica, replicated = map(median, zip(*measured, strict=True))
        row = {"case": case, "travels": travels, "cpu_us": round(cpu, 1)}
        rows.append(row | {"replica_us": round(replica, 1), "replicated_bytes": round(replicated)})
    return rows


def _measure(worker: Worker, server: Server, case: str, tasks: int, seconds: float) -> list[float]:
    scenario, held = CASES[case]
    server.empty()
    worker.ask("closed", scenario=scenario, seconds=0.15, callers=tasks)  # it warms up
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
    (user, ip), *others = map(user_and_address, range(USERS))
    first = {"user": user, "ip": ip}
    fill(server, first, ITEM, held)
    for kind, values in zip(first, zip(*others, strict=True), strict=True):
        copy(server, ITEM, kind, first[kind], values)
    windows_left = worker.ask("look", user=others[-1][0], ip=others[-1][1])
    if [remaining for remaining, _ in windows_left] != [ITEM.requests - held - 1] * 2:
        raise MeasuredError(f"the limiter reads {windows_left} of a key that holds {held} requests")


def _work_of(server: Server) -> list[float]:
    """Microseconds of the primary and of one replica, and bytes to each, so far."""
    replicas = [1e6 * cpu_of(process) for process in server.replicas]
    sent = int(server.process.info("replication")["master_repl_offset"])
    return [1e6 * cpu_of(server.process), sum(replicas) / len(replicas), sent]


def connections(server: Server) -> dict[str, int]:
    """`opened` by the limiter of one process under a flood; bytes of an idle one in used_memory.

    Nothing else may use the server.
    """
    until(lambda: not _clients(server), 10.0, "the connections of others are gone")
    with workers(["ours"], server, deadline=30.0, RATE_LIMIT_GENERAL="100000,60") as (worker,):
        for tasks in (TRAVELS["together"], 400):
            worker.ask("closed", scenario="headers", seconds=0.3, callers=tasks)
        opened = _clients(server)
    server.empty()
    counted, many = _memory(server), 200
    with ExitStack() as stack:
        for _ in range(many):
            login = {"ca_file": str(server.ca_file), "password": server.token}
            stack.enter_context(connect(server.host, server.port, **login)).ping()
        each = (_memory(server) - counted) / many
    return {"opened": opened, "counted_bytes": round(each)}


def _clients(server: Server) -> int:
    """Those with the token: the benchmark's own connections have a user of their own."""
    found = server.process.control.client_list()
    return sum(client["user"] == "default" and client["flags"] != "S" for client in found)


def _memory(server: Server) -> int:
    return int(server.process.info("memory")["used_memory"])


# --- The document's tables ------------------------------------------------------------------------


def rendered(text: str) -> str:
    """The document with each table between its marks replaced."""
    found: Figures = json.loads(RECORD.read_text())
    environment = load("production")
    tables = {
        "measured": measured_tables(found),
        "thresholds": by_node_type(found, environment),
        "connections": by_connections(found, environment),
    }
    for name, table in tables.items():
        begin, end = f"<!-- {name}: make scaling -->\n", f"<!-- /{name} -->"
        block = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
        if len(block.findall(text)) != 1:
            raise ValueError(f"docs/operate/scaling.md must have {begin.strip()} … {end} once")
        text = block.sub(lambda _: begin + table + "\n" + end, text)  # noqa: B023 - called at once
    return text


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(cells) + " |" for cells in (titles, *rows)]
    return "\n".join([lines[0], "|" + "---|" * len(titles), *lines[1:]])


def measured_tables(found: Figures) -> str:
    """What one decision and one identity cost."""
    costs = _table(
        ["one decision", "travels", "engine CPU", "of a replica", "to each replica"],
        (
            [one["case"], one["travels"], f"{one['cpu_us']:.1f} µs", f"{one['replica_us']:.1f} µs",
             f"{one['replicated_bytes']:,} B"]
            for one in found["decisions"]
        ),
    )  # fmt: skip
    sizes = _table(
        ["one full key", "a user", "an address"],
        (
            [tier, f"{kinds['user']:,} B", f"{kinds['ip']:,} B"]
            for tier, kinds in found["identity_bytes"].items()
        ),
    )
    return f"Measured on {found['machine']}.\n\n{costs}\n\n{sizes}"


def by_node_type(found: Figures, environment: Environment) -> str:
    """For each node type: users by memory, decisions per second by the engine and by credits.

    Then whether memory or the engine warns first if every request is another user's.
    """
    memory = environment.alarms.memory_percent.warning
    cpu = environment.alarms.cpu_percent.warning
    count, rows = environment.redis.topology.node_count, []
    for name in NODE_TYPES:
        node = node_type(f"cache.{name}")
        price = node.price(environment.redis.engine.engine)
        assert price is not None  # noqa: S101 - all of them run Redis
        rows.append(
            [node.name, _thousands(users(found, node, memory)), _range(found, cpu / 100),
             _range(found, sustained(node, cpu)), f"{node.max_connections:,}",
             f"{count * price * HOURS:.2f}"]
        )  # fmt: skip
    titles = [
        *("node type", f"users at {memory:g} % of memory", f"decisions/s at {cpu:g} % engine CPU"),
        *("decisions/s sustained", "node's connections", f"{count} nodes, USD per month"),
    ]
    least = min(sum(kinds.values()) for kinds in found["identity_bytes"].values())
    left = 60 * cpu / 100 * 1e6 / _cost(found, "together") * least / 2**30
    node = environment.redis.node_type
    room = node.usable_gib * memory / 100
    return (
        f"{_table(titles, rows)}\n\nIf every request were another user's, a minute of decisions at "
        f"the engine's warning would leave {left:.1f} GiB, and {node.name} has room for {room:.1f}:"
        f" {'the engine' if left < room else 'memory'} warns first."
    )


def by_connections(found: Figures, environment: Environment) -> str:
    """How many instances each bound of connections lets there be."""
    application, alarms = environment.application, environment.alarms.connections
    opened, each = found["connections"]["opened"], found["connections"]["counted_bytes"]
    node, pool = environment.redis.node_type, application.pool_size
    bounds = {
        "today's instances": application.connections,
        "the warning": int(alarms.warning),
        "the critical alarm": int(alarms.critical),
        "the plan's budget (§5.3)": application.max_clients,
        f"{node.name} itself": node.max_connections,
    }
    titles = [
        *("bound", "connections", f"instances with pools of {pool}"),
        *(f"with the limiter alone, {opened}", "memory that they take"),
    ]
    return _table(
        titles,
        (
            [name, f"{count:,}", f"{count // pool:,}", f"{count // opened:,}",
             f"{count * each / 2**20:,.0f} MiB"]
            for name, count in bounds.items()
        ),
    )  # fmt: skip


def users(found: Figures, node: NodeType, percent: float) -> float:
    """Users, each at an address of its own and at the limit, until so much memory is used."""
    each: dict[str, int] = found["identity_bytes"][ITEM.name]
    return node.usable_gib * 2**30 * percent / 100 / (each["user"] + each["ip"])


def sustained(node: NodeType, warning: float) -> float:
    """The engine's share of one core that can be held without end, below the warning."""
    if node.cpu_credits is None:
        return warning / 100
    return min(warning, node.cpu_credits.baseline_percent * node.vcpus) / 100


def _range(found: Figures, share: float) -> str:
    alone, together = (share * 1e6 / _cost(found, how) for how in ("alone", "together"))
    return f"{_thousands(alone)} to {_thousands(together)}"


def _cost(found: Figures, travels: str) -> float:
    each = {(one["case"], one["travels"]): one["cpu_us"] for one in found["decisions"]}
    return float(each[CASE, travels])


def _thousands(value: float) -> str:
    """Two digits that count: no measurement here is better than that."""
    digits = max(0, len(str(int(value))) - 2)
    return f"{int(value // 10**digits * 10**digits):,}"


def measure() -> Figures:
    """All figures. Raises MeasuredError."""
    with server(replicas=2) as node:
        show("memory of full keys")
        return {
            "machine": f"{os.cpu_count()} shared cores ({processor()}), Redis {node.version} "
            f"over TLS with AUTH, {len(node.replicas)} replicas",
            "identity_bytes": identities(node),
            "decisions": decisions(node, ROUNDS, SECONDS),
            "connections": connections(node),
        }


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.capacity", description=__doc__)
    parser.add_argument("--record", action="store_true", help=f"keep them in {RECORD.name}")
    parser.add_argument("--document", action="store_true", help="write its tables, measure nothing")
    wanted = parser.parse_args()
    if wanted.document:
        DOCUMENT.write_text(rendered(DOCUMENT.read_text()))
        return 0
    try:
        found = measure()
    except MeasuredError as problem:
        print(f"\nbench-capacity: {problem}", file=sys.stderr)
        return 1
    show("")
    counts = (
        "connections: {opened} opened by a flooded limiter, "
        "{counted_bytes:,} B in used_memory for an idle one".format(**found["connections"])
    )
    print(measured_tables(found), "", counts, sep="\n")
    if wanted.record:
        RECORD.write_text(json.dumps(found, indent=2) + "\n")
        print(f"\nkept in {RECORD.relative_to(ROOT)}: make scaling writes the document's tables")
    return 0


if __name__ == "__main__":
    sys.exit(main())
