"""Applies the service updates that ElastiCache offers a group: ``make apply-updates``.

usage: python -m tools.apply_updates ENVIRONMENT [--security]

One update after the other, security first, each waited for; then the health check. With --security
only security updates. A new major version is never applied: it is the settings' ``engine`` line
(docs/operate/upgrades.md). Exit status 1 when one was not applied, or the health check failed.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from botocore.config import Config

from environments.load import load
from environments.schema import Settings
from tools import health
from tools.command import Answer, command, session
from tools.deploy_guard import DeploymentMustWait, check
from tools.service_updates import COMPLETE, LONGEST_PER_NODE, ServiceUpdates, Update, chosen

# Polling for an hour meets a network that stumbles: boto tries each call again, a bounded number.
PATIENT = Config(
    connect_timeout=5, read_timeout=30, retries={"mode": "standard", "max_attempts": 8}
)


def _apply_and_check(environment: str, security: str = "") -> int:
    """0 if everything that was to be applied is, and the health check passed."""
    settings = load(environment)
    nodes = settings.redis.topology.node_count
    made = session(settings, nodes * LONGEST_PER_NODE)
    client = partial(made.client, config=PATIENT)
    try:
        apply(settings, client, security_only=bool(security))
    except DeploymentMustWait as reason:
        raise Answer(
            "apply-updates: not while the token changes, for the same reason as a deployment. "
            f"{reason}"
        ) from None
    return health.main([environment])


def apply(settings: Settings, client: Callable[[str], Any], *, security_only: bool) -> None:
    """Apply what is pending, one after the other, and print a table.

    ``client`` makes a boto3 client of a service. Raises Answer with
    what to do, DeploymentMustWait while the token is changed, and what boto3 raises. What was
    applied until then stays applied; a second run takes up the rest.
    """
    check(settings, client, datetime.now(UTC))
    updates = ServiceUpdates(client("elasticache"), settings.redis.replication_group_id)
    found = updates.pending()
    wanted = chosen(found, security_only=security_only)
    outcome = {update.name: update for update in found}
    try:
        for update in wanted:
            # A rotation may have begun while the one before was applied.
            check(settings, client, datetime.now(UTC))
            outcome[update.name] = replace(update, status="not applied: see below")
            outcome[update.name] = updates.apply(update)
    finally:
        for line in table(list(outcome.values()), wanted):
            print(line, flush=True)  # a workflow's log shows progress


def table(updates: Sequence[Update], wanted: Sequence[Update]) -> Iterator[str]:
    """One line per update; those that were not wanted say that they wait."""
    if not updates:
        yield "no service update waits for this group"
        return
    asked = {update.name for update in wanted}
    width = max(len(update.name) for update in updates)
    for update in updates:
        sign = "✓" if update.status == COMPLETE else "✗" if update.name in asked else "·"
        what = update.status if update.name in asked else f"left: {update.reason_to_leave}"
        yield (
            f"  {sign} {update.name:<{width}}  {update.kind:<27}  {update.severity:<9}  "
            f"{update.nodes:>5} nodes  {what}"
        )


main = command(
    "apply-updates",
    _apply_and_check,
    takes=lambda given: given[:1] and given[0] and given[1:] in ([], ["--security"]),
    usage="name one environment, for example ENV=staging SECURITY=1",
    interrupted="an update that was started continues. When it is complete, run this again for the "
    "rest and for the health check.",
)

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
