"""`make bench-capacity`: what the limiter costs a real Redis 6.2, in bytes and processor time."""

import argparse
import json
import os
import sys
from collections.abc import Mapping

from benchmarks.capacity import measured
from benchmarks.capacity.document import RECORD, Figures
from benchmarks.limiter.run import progress
from benchmarks.limiter.server import Server, server
from benchmarks.limiter.worker import MeasuredError
from emulator.clean_environment import ROOT
from emulator.engines import processor

ROUNDS, SECONDS = 3, 0.7
_HOW = {measured.TOGETHER: "together", measured.ALONE: "alone"}


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.capacity", description=__doc__)
    parser.add_argument("--record", action="store_true", help=f"keep them in {RECORD.name}")
    wanted = parser.parse_args()
    try:
        with server(replicas=2) as node:
            progress("memory of full keys")
            found = figures(
                _machine(node),
                measured.identities(node),
                measured.decisions(node, ROUNDS, SECONDS, progress),
                measured.connections(node),
            )
    except MeasuredError as problem:
        print(f"\nbench-capacity: {problem}", file=sys.stderr)
        return 1
    progress("")
    print(table(found))
    if wanted.record:
        RECORD.write_text(json.dumps(found, indent=2) + "\n")
        print(f"\nkept in {RECORD.relative_to(ROOT)}: make scaling writes the document's tables")
    return 0


def _machine(node: Server) -> str:
    replicas = len(node.replicas)
    return (
        f"{os.cpu_count()} shared cores ({processor()}), Redis {node.version} over TLS with AUTH, "
        f"{replicas} replicas"
    )


def figures(
    machine: str,
    memory: Mapping[tuple[str, str], measured.Identity],
    work: Mapping[tuple[str, int], measured.Decision],
    connections: measured.Connections,
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


if __name__ == "__main__":
    sys.exit(main())
