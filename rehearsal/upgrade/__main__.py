"""`make rehearse-upgrade`: from the last release to this revision, and from Redis 6.2 upwards.

usage: python -m rehearsal.upgrade [REVISION], the one that is upgraded from
"""

import sys
from contextlib import ExitStack

from rehearsal.common.errors import RehearsalError
from rehearsal.common.run import perform
from rehearsal.common.steps import DEPLOYED
from rehearsal.upgrade.release import choose
from rehearsal.upgrade.steps import (
    DEPLOYMENT,
    ENGINE,
    SNAPSHOT_BEFORE,
    Beside,
    back_to,
    to_engine,
    to_this_revision,
    way_back,
)

OLD, NEW, VALKEY = "redis-6.2", "redis-7.0", "valkey-8.0"


def main() -> int:
    """0 when every upgrade held; 1 with the reason last when one did not."""
    try:
        release = choose(next(iter(sys.argv[1:]), None))
    except RehearsalError as reason:
        print(f"rehearse-upgrade: {reason}", file=sys.stderr)
        return 1
    with ExitStack() as context:
        print(f"1 of 2: from {release} to this revision, then its engine to {NEW}", flush=True)
        beside = Beside(context)
        deployment = ("cdk deploy of this revision", to_this_revision)
        first = (
            ("the release's files and tools", beside.start_from(release)),
            *DEPLOYED,
            *beside.steps(*deployment, longest_gap=DEPLOYMENT),
            *beside.steps(f"engine = {NEW}, cdk deploy", to_engine(NEW), longest_gap=ENGINE),
            back_to(OLD),
        )
        if failed := perform(first):
            return failed
    with ExitStack() as context:
        print(f"\n2 of 2: this revision, its engine from {OLD} to {VALKEY}", flush=True)
        beside = Beside(context)
        to_valkey = (f"engine = {VALKEY}, cdk deploy", to_engine(VALKEY), SNAPSHOT_BEFORE)
        second = (
            *DEPLOYED,
            *beside.steps(*to_valkey, longest_gap=ENGINE),
            back_to(NEW),
            way_back(OLD),
        )
        return perform(second)


if __name__ == "__main__":
    sys.exit(main())
