"""``make restore``: the group of an environment from a snapshot, as the deployed template wants it.

usage: python -m tools.restore ENVIRONMENT SNAPSHOT [REPLACE]

The template is not touched and names no snapshot, so that no later deployment replaces the group:
it is made past CloudFormation under the name by which CloudFormation knows it. REPLACE is the name
of a group that is still there and may be deleted for it. See docs/operate/disaster-recovery.md.
"""

import sys
import time
from datetime import UTC, datetime, timedelta
from functools import partial

from environments.load import load
from tools.command import command, session
from tools.restore import published
from tools.restore.deployed import Deployed
from tools.restore.replacement import LONGEST, Replacement


def restore(environment: str, snapshot: str, replace: str = "") -> int:
    """Bring the group back and publish its address. Raises Answer."""
    settings = load(environment)
    client = session(settings, timedelta(seconds=2 * LONGEST)).client
    started = time.monotonic()
    deployed = Deployed(client, f"{settings.prefix}-data")
    stamp = f"{datetime.now(UTC):%Y%m%d-%H%M%S}"
    replacement = Replacement(client("elasticache"), deployed, stamp)
    publish = partial(published.publish, client("ssm"), deployed, settings.parameter_path)
    there = None if replace else replacement.available()
    if there and publish(there):
        print(
            f"{replacement.group_id} was there, and its address was not published: an interrupted "
            f"restore ends here. If its data is to be replaced, add REPLACE={replacement.group_id}"
        )
        return 0
    group = replacement.restore(snapshot, replace or None)
    publish(group)
    seconds = time.monotonic() - started
    nodes = len(group.get("MemberClusters", []))
    print(f"{replacement.group_id} is available with {nodes} nodes after {seconds:.0f} s")
    return 0


main = command(
    "restore",
    restore,
    takes=lambda given: len(given) in (2, 3) and given[0] and given[1],
    usage="name the environment and the snapshot: make restore ENV=production SNAPSHOT=…",
    interrupted="what AWS has started continues. Run it again without REPLACE: it continues, or "
    "says that the old group still exists.",
)

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
