"""`make bench-capacity`: what the limiter costs a real Redis 6.2, in bytes and processor time."""

import argparse
import json
import os
import sys

from benchmarks.capacity import connections, memory, work
from benchmarks.capacity.figures import figures, table
from benchmarks.limiter.run import progress
from benchmarks.limiter.server import Server, server
from benchmarks.limiter.worker import MeasuredError
from emulator.clean_environment import ROOT
from emulator.engines import processor

RECORD = ROOT / "docs" / "operate" / "scaling-figures.json"
ROUNDS, SECONDS = 3, 0.7


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
                memory.measure(node),
                work.measure(node, ROUNDS, SECONDS, progress),
                connections.measure(node),
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


if __name__ == "__main__":
    sys.exit(main())
