"""What one run has measured, as it is kept and as it is shown."""

from collections.abc import Mapping
from typing import Any

from benchmarks.capacity.connections import Connections
from benchmarks.capacity.memory import Identity
from benchmarks.capacity.work import ALONE, TOGETHER, Decision

_HOW = {TOGETHER: "together", ALONE: "alone"}

Figures = dict[str, Any]


def figures(
    machine: str,
    memory: Mapping[tuple[str, str], Identity],
    work: Mapping[tuple[str, int], Decision],
    connections: Connections,
) -> Figures:
    """As docs/operate/scaling-figures.json keeps it: bytes, microseconds, counts by name."""
    return {
        "machine": machine,
        "identity_bytes": {
            tier: {kind: round(one.all) for (name, kind), one in memory.items() if name == tier}
            for tier in dict.fromkeys(name for name, _ in memory)
        },
        "decisions": [
            {
                "case": case,
                "travels": _HOW[tasks],
                "cpu_us": round(one.cpu, 1),
                "user_us": round(one.user, 1),
                "replica_us": round(one.replica, 1),
                "replicated_bytes": round(one.replicated),
            }
            for (case, tasks), one in work.items()
        ],
        "connections": {
            "opened": connections.opened,
            "counted_bytes": round(connections.counted),
            "resident_bytes": round(connections.resident),
        },
    }


def table(found: Figures) -> str:
    """A line a figure."""
    lines = [found["machine"], "", f"{'bytes of one full key':28} {'a user':>8} {'an address':>11}"]
    lines += [
        f"{tier:28} {kinds['user']:8} {kinds['ip']:11}"
        for tier, kinds in found["identity_bytes"].items()
    ]
    lines += [
        "",
        f"{'of one decision':28} {'travels':>9} {'CPU':>9} {'of it user':>11} "
        f"{'a replica':>10} {'to a replica':>13}",
    ]
    lines += [
        f"{one['case']:28} {one['travels']:>9} {one['cpu_us']:6.1f} us {one['user_us']:8.1f} us "
        f"{one['replica_us']:7.1f} us {one['replicated_bytes']:11} B"
        for one in found["decisions"]
    ]
    opened = found["connections"]
    lines += [
        "",
        f"connections that a flooded limiter opens: {opened['opened']}",
        f"memory of an idle one: {opened['counted_bytes']:,} B in used_memory, "
        f"{opened['resident_bytes']:,} B resident",
    ]
    return "\n".join(lines)
