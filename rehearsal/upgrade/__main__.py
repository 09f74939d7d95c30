"""`make rehearse-upgrade`: from the last release to this revision, and from Redis 6.2 upwards.

usage: python -m rehearsal.upgrade [--from REVISION]
"""

from __future__ import annotations

import argparse
import sys

from emulator.errors import RehearsalError
from rehearsal.common.run import perform
from rehearsal.common.steps import DEPLOYED
from rehearsal.upgrade.release import Release, choose
from rehearsal.upgrade.steps import (
    DEPLOYMENT,
    ENGINE,
    SNAPSHOT_BEFORE,
    Beside,
    back_to,
    to_engine,
    to_this_revision,
)

OLD, NEW, VALKEY = "redis-6.2", "redis-7.0", "valkey-8.0"


def main() -> int:
    """0 when every upgrade held; 1 with the reason last when one did not."""
    parser = argparse.ArgumentParser(prog="rehearse-upgrade", description=__doc__)
    parser.add_argument("--from", dest="revision", metavar="REVISION", default=None)
    asked = parser.parse_args().revision
    try:
        release = choose(asked or None)
    except RehearsalError as reason:
        print(f"rehearse-upgrade: {reason}", file=sys.stderr)
        return 1
    print(f"1 of 2: from {release} to this revision, then its engine to {NEW}", flush=True)
    first = _from_release(release)
    if first:
        return first
    print(f"\n2 of 2: this revision, its engine from {OLD} to {VALKEY}", flush=True)
    return _to_valkey()


def _from_release(release: Release) -> int:
    with Beside() as beside:
        return perform(
            [
                ("the release's files and tools", beside.start_from(release)),
                *DEPLOYED,
                *beside.acts(
                    "cdk deploy of this revision", to_this_revision, longest_gap=DEPLOYMENT
                ),
                *beside.acts(f"engine = {NEW}, cdk deploy", to_engine(NEW), longest_gap=ENGINE),
                back_to(OLD),
            ]
        )


def _to_valkey() -> int:
    with Beside() as beside:
        return perform(
            [
                *DEPLOYED,
                *beside.acts(
                    f"engine = {VALKEY}, cdk deploy",
                    to_engine(VALKEY),
                    SNAPSHOT_BEFORE,
                    longest_gap=ENGINE,
                ),
                back_to(NEW),
                beside.way_back(OLD),
            ]
        )


if __name__ == "__main__":
    sys.exit(main())
