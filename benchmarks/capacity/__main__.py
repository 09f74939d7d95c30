"""`make bench-capacity`: what the limiter costs a real Redis 6.2, in bytes and processor time."""

import argparse
import json
import os
import sys
from typing import Any

from benchmarks.capacity import measured
from benchmarks.capacity.measured import RECORD
from benchmarks.limiter.run import progress
from benchmarks.limiter.server import server
from benchmarks.limiter.worker import MeasuredError
from emulator.clean_environment import ROOT
from emulator.engines import processor

ROUNDS, SECONDS = 3, 0.7


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.capacity", description=__doc__)
    parser.add_argument("--record", action="store_true", help=f"keep them in {RECORD.name}")
    wanted = parser.parse_args()
    try:
        with server(replicas=2) as node:
            progress("memory of full keys")
            found: dict[str, Any] = {
                "machine": f"{os.cpu_count()} shared cores ({processor()}), Redis {node.version} "
                f"over TLS with AUTH, {len(node.replicas)} replicas",
                "identity_bytes": {
                    tier: {kind: round(size) for kind, size in kinds.items()}
                    for tier, kinds in measured.identities(node).items()
                },
                "decisions": measured.decisions(node, ROUNDS, SECONDS, progress),
                "connections": measured.connections(node),
            }
    except MeasuredError as problem:
        print(f"\nbench-capacity: {problem}", file=sys.stderr)
        return 1
    progress("")
    print(
        measured.table(found),
        "",
        "connections: {opened} opened by a flooded limiter, "
        "{counted_bytes:,} B in used_memory for an idle one".format(**found["connections"]),
        sep="\n",
    )
    if wanted.record:
        RECORD.write_text(json.dumps(found, indent=2) + "\n")
        print(f"\nkept in {RECORD.relative_to(ROOT)}: make scaling writes the document's tables")
    return 0


if __name__ == "__main__":
    sys.exit(main())
