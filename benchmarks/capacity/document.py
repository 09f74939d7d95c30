"""`make scaling`: the tables of docs/operate/scaling.md, from what was measured and the settings.

usage: python -m benchmarks.capacity.document [--check]
"""

import json
import re
import sys
from typing import Any

from benchmarks.capacity import measured
from emulator.clean_environment import ROOT
from environments.load import load
from environments.node_types import NodeType, node_type
from environments.schema import Settings
from tools.prices import HOURS

DOCUMENT = ROOT / "docs" / "operate" / "scaling.md"
Figures = dict[str, Any]  # as docs/operate/scaling-figures.json keeps them

NODE_TYPES = (
    "cache.t3.medium",
    "cache.t4g.medium",
    "cache.m6g.large",
    "cache.m7g.large",
    "cache.r6g.large",
    "cache.r7g.large",
)
# A request of the plan's kind: the user and the address at once.
CASE = "user and IP"
TIER = "general"


def main() -> int:
    """0, or with --check 1 if the document is not what it would be."""
    text = DOCUMENT.read_text()
    wanted = rendered(text)
    if sys.argv[1:] == ["--check"]:
        if text != wanted:
            print("docs/operate/scaling.md: its tables are old: make scaling", file=sys.stderr)
        return int(text != wanted)
    DOCUMENT.write_text(wanted)
    return 0


def rendered(text: str) -> str:
    """The document with each table between its marks replaced."""
    found: Figures = json.loads(measured.RECORD.read_text())
    settings = load("production")
    tables = {
        "measured": measured.table(found),
        "thresholds": by_node_type(found, settings),
        "connections": connections(found, settings),
    }
    for name, table in tables.items():
        begin, end = f"<!-- {name}: make scaling -->\n", f"<!-- /{name} -->"
        block = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
        if len(block.findall(text)) != 1:
            raise ValueError(f"docs/operate/scaling.md must have {begin.strip()} … {end} once")
        text = block.sub(lambda _: begin + table + "\n" + end, text)  # noqa: B023 - called at once
    return text


def by_node_type(found: Figures, settings: Settings) -> str:
    """For each node type: users by memory, decisions per second by the engine and by credits."""
    memory, cpu = settings.alarms.memory_percent, settings.alarms.cpu_percent
    engine = settings.redis.engine.engine
    nodes = settings.redis.topology.node_count
    lines = [
        f"| node type | users at {memory.warning:g} % of memory | decisions/s at {cpu.warning:g} % "
        f"engine CPU | decisions/s sustained | node's connections | {nodes} nodes, USD per month |",
        "|---|---|---|---|---|---|",
    ]
    for name in NODE_TYPES:
        node = node_type(name)
        price = node.price(engine)
        assert price is not None  # noqa: S101 - all of them run Redis
        lines.append(
            f"| {name} | {_thousands(users(found, node, memory.warning))} "
            f"| {_range(found, cpu.warning / 100)} | {_range(found, sustained(node, cpu.warning))} "
            f"| {node.max_connections:,} | {nodes * price * HOURS:.2f} |"
        )
    return "\n".join([*lines, "", _first(found, settings)])


def _first(found: Figures, settings: Settings) -> str:
    """Whether memory or the engine warns first if every request is another user's."""
    node, alarms = settings.redis.node_type, settings.alarms
    least = min(sum(kinds.values()) for kinds in found["identity_bytes"].values())
    decisions = 60 * alarms.cpu_percent.warning / 100 * 1e6 / _cost(found, "together")
    left = decisions * least / 2**30
    room = node.usable_gib * alarms.memory_percent.warning / 100
    says = "the engine warns" if left < room else "memory warns"
    return (
        f"If every request were another user's, a minute of decisions at the engine's warning "
        f"would leave {left:.1f} GiB, and {node.name} has room for {room:.1f}: {says} first."
    )


def connections(found: Figures, settings: Settings) -> str:
    """How many instances each bound of connections lets there be."""
    pool, alarms = settings.application.pool_size, settings.alarms.connections
    node = settings.redis.node_type
    opened, each = found["connections"]["opened"], found["connections"]["counted_bytes"]
    bounds = (
        ("today's instances", settings.application.connections),
        ("the warning", int(alarms.warning)),
        ("the critical alarm", int(alarms.critical)),
        ("the plan's budget (§5.3)", settings.application.max_clients),
        (f"{node.name} itself", node.max_connections),
    )
    lines = [
        f"| bound | connections | instances with pools of {pool} "
        f"| with the limiter alone, {opened} | memory that they take |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {name} | {count:,} | {count // pool:,} | {count // opened:,} "
        f"| {count * each / 2**20:,.0f} MiB |"
        for name, count in bounds
    ]
    return "\n".join(lines)


def users(found: Figures, node: NodeType, percent: float) -> float:
    """Users, each at an address of its own and at the limit, until so much memory is used."""
    each: dict[str, int] = found["identity_bytes"][TIER]
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
    (cost,) = (
        float(one["cpu_us"])
        for one in found["decisions"]
        if (one["case"], one["travels"]) == (CASE, travels)
    )
    return cost


def _thousands(value: float) -> str:
    """Two digits that count: no measurement here is better than that."""
    digits = max(0, len(str(int(value))) - 2)
    return f"{int(value // 10**digits * 10**digits):,}"


if __name__ == "__main__":
    sys.exit(main())
