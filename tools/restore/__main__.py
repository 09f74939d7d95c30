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
from environments.schema import Settings
from tools.command import ended, session
from tools.restore import published
from tools.restore.deployed import Deployed
from tools.restore.replacement import LONGEST, Replacement

USAGE = "restore: name the environment and the snapshot: make restore ENV=production SNAPSHOT=…"


def main(arguments: list[str]) -> int:
    """0 when the group is back; 1 with the reason; 2 if something was not named."""
    environment, snapshot, replace, *rest = [*arguments, "", "", ""][:4]
    if len(arguments) > 3 or not environment or not snapshot or any(rest):
        print(USAGE, file=sys.stderr)
        return 2
    return ended(
        lambda: _restore(environment, snapshot, replace or None),
        failed="restore: AWS refused",
        interrupted="restore: what AWS has started continues. Run it again without REPLACE: it "
        "continues, or says that the old group still exists.",
    )


def _restore(environment: str, snapshot: str, replace: str | None) -> int:
    print(restore(load(environment), snapshot, replace))
    return 0


def restore(settings: Settings, snapshot: str, replace: str | None) -> str:
    """Bring it back and publish its address; what was done, in one line."""
    client = session(settings, timedelta(seconds=2 * LONGEST)).client
    started = time.monotonic()
    deployed = Deployed(client, f"{settings.prefix}-data")
    stamp = f"{datetime.now(UTC):%Y%m%d-%H%M%S}"
    replacement = Replacement(client("elasticache"), deployed, stamp)
    publish = partial(published.publish, client("ssm"), deployed, settings.parameter_path)
    there = None if replace else replacement.available()
    if there and publish(there):
        return (
            f"{replacement.group_id} was there, and its address was not published: an interrupted "
            f"restore ends here. If its data is to be replaced, add REPLACE={replacement.group_id}"
        )
    group = replacement.restore(snapshot, replace)
    publish(group)
    seconds = time.monotonic() - started
    nodes = len(group.get("MemberClusters", []))
    return f"{replacement.group_id} is available with {nodes} nodes after {seconds:.0f} s"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
