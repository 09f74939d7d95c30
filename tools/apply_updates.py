"""Applies the service updates that ElastiCache offers a group: ``make apply-updates``.

usage: python -m tools.apply_updates ENVIRONMENT [--security]

One update after the other, security first, each waited for; then the health check. With --security
only security updates. A new major version is never applied: it is the settings' ``engine`` line
(docs/operate/upgrades.md). Exit status 1 when one was not applied, or the health check failed.

Sources: botocore's model of DescribeUpdateActions and BatchApplyUpdateAction; for the three types,
of which botocore knows one, https://aws.amazon.com/elasticache/elasticache-maintenance.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

from botocore.config import Config

from environments.load import load
from tools import health
from tools.command import Answer, command, session
from tools.deploy_guard import DeploymentMustWait, check, group_of

SECURITY, ENGINE, MAJOR = "security-update", "engine-update", "engine-major-version-update"
COMPLETE = "complete"
# It waits for somebody to apply it; AWS may have put a date of its own on it.
WAITING = ("not-applied", "stopped", "scheduled", "scheduling")
UNDER_WAY = ("waiting-to-start", "in-progress", "stopping")
SEVERITIES = ("critical", "important", "medium", "low")  # in the order of their urgency

LOOK_EVERY = 20.0  # seconds
# AWS's own estimate is 30 minutes a node ("EstimatedUpdateTime"); nodes take their turns.
LONGEST_PER_NODE = timedelta(minutes=60)
# Polling for an hour meets a network that stumbles: boto tries each call again, a bounded number.
PATIENT = Config(
    connect_timeout=5, read_timeout=30, retries={"mode": "standard", "max_attempts": 8}
)


class Update(NamedTuple):
    """One update action: ``nodes`` is how many of them have it, as "1/3"."""

    name: str
    kind: str
    severity: str
    released: datetime
    status: str
    nodes: str


def _apply_and_check(environment: str, security: str = "") -> int:
    """0 if everything that was to be applied is, and the health check passed.

    What was applied until a failure stays applied; a second run takes up the rest.
    """
    settings = load(environment)
    made = session(settings, settings.redis.topology.node_count * LONGEST_PER_NODE)
    client = partial(made.client, config=PATIENT)
    updates = client("elasticache"), settings.redis.replication_group_id
    try:
        check(settings, client, datetime.now(UTC))
        outcome = {update.name: update for update in pending(*updates)}
        wanted = chosen(outcome.values(), security_only=bool(security))
        try:
            for update in wanted:
                # A rotation may have begun while the one before was applied.
                check(settings, client, datetime.now(UTC))
                outcome[update.name] = update._replace(status="not applied: see below")
                outcome[update.name] = apply(*updates, update)
        finally:
            for line in table(list(outcome.values()), wanted):
                print(line, flush=True)  # a workflow's log shows progress
    except DeploymentMustWait as reason:
        raise Answer(
            "apply-updates: not while the token changes, for the same reason as a deployment. "
            f"{reason}"
        ) from None
    return health.main([environment])


def chosen(updates: Iterable[Update], *, security_only: bool) -> list[Update]:
    """Those that are to be applied, in their order: security first, the most severe first."""

    def urgency(update: Update) -> tuple[bool, int, datetime]:
        rank = (*SEVERITIES, update.severity).index(update.severity)
        return update.kind != SECURITY, rank, update.released

    kinds = (SECURITY,) if security_only else (SECURITY, ENGINE)
    return sorted((update for update in updates if update.kind in kinds), key=urgency)


def pending(elasticache: Any, group_id: str) -> list[Update]:
    """What ElastiCache offers the group and that is not applied yet.

    Raises Answer when there is no such group, or an update is under way.
    """
    if group_of(elasticache, group_id) is None:
        raise Answer(
            f"apply-updates: there is no replication group {group_id}. Deploy the environment "
            "first."
        )
    found = _actions(elasticache, group_id, ServiceUpdateStatus=["available"])
    for busy in (update for update in found if update.status in UNDER_WAY):
        raise Answer(
            f"apply-updates: {busy.name} is {busy.status} on {group_id}, {busy.nodes} nodes. "
            "ElastiCache takes no second one meanwhile. Run this again when it is complete."
        )
    return [update for update in found if update.status in WAITING]


def apply(elasticache: Any, group_id: str, update: Update) -> Update:
    """Apply one and wait until every node has it and the group is available again.

    Raises Answer if ElastiCache refuses it, it is stopped, or it takes too long.
    """
    name = update.name
    answer = elasticache.batch_apply_update_action(
        ReplicationGroupIds=[group_id], ServiceUpdateName=name
    )
    for refused in answer.get("UnprocessedUpdateActions", []):
        raise Answer(
            f"apply-updates: ElastiCache does not apply {name} to {group_id}: "
            f"{refused.get('ErrorType')}, {refused.get('ErrorMessage')}. Nothing was changed."
        )
    group = group_of(elasticache, group_id)
    longest = LONGEST_PER_NODE * len((group or {}).get("MemberClusters", []))
    waited, progress = 0.0, ""
    while waited <= longest.total_seconds():
        found = _under_way(elasticache, group_id, name)
        group = group_of(elasticache, group_id)
        if group is None:
            raise Answer(f"apply-updates: {group_id} was deleted while {name} was applied to it.")
        if found.status == COMPLETE and group["Status"] == "available":
            return found
        if progress != (progress := f"  {name}: {found.status}, {found.nodes} nodes"):
            print(f"{progress}, {waited / 60:.0f} min", flush=True)
        time.sleep(LOOK_EVERY)
        waited += LOOK_EVERY
    raise Answer(
        f"apply-updates: {name} is not complete after {longest.total_seconds() / 60:.0f} min: "
        f"{found.status}, {found.nodes} nodes of {group_id}. ElastiCache continues. Watch it with "
        f"aws elasticache describe-update-actions --service-update-name {name}, and run make "
        "health when it is complete."
    )


def _under_way(elasticache: Any, group_id: str, name: str) -> Update:
    """The update as it is now. Raises Answer for one that will not be complete."""
    for found in _actions(elasticache, group_id, ServiceUpdateName=name):
        if found.status in ("stopping", "stopped"):
            raise Answer(
                f"apply-updates: somebody stopped {name} when {found.nodes} nodes of {group_id} "
                "had it. Those keep it. Run this again to apply the rest."
            )
        if found.status == "not-applicable":
            raise Answer(
                f"apply-updates: {name} does not concern {group_id} any more: a newer update took "
                "its place. Run this again: it applies what is offered now."
            )
        return found
    raise Answer(
        f"apply-updates: ElastiCache does not list {name} any more: it is unknown whether "
        f"{group_id} has it. Look in the console under Service updates, and run this again."
    )


def _actions(elasticache: Any, group_id: str, **which: Any) -> list[Update]:
    pages = elasticache.get_paginator("describe_update_actions").paginate(
        ReplicationGroupIds=[group_id], **which
    )
    return [
        Update(
            name=action["ServiceUpdateName"],
            kind=action.get("ServiceUpdateType", "unknown"),
            severity=action.get("ServiceUpdateSeverity", "unknown"),
            released=action.get("ServiceUpdateReleaseDate", datetime.max.replace(tzinfo=UTC)),
            status=action["UpdateActionStatus"],
            nodes=action.get("NodesUpdated", "?"),
        )
        for page in pages
        for action in page["UpdateActions"]
    ]


def table(updates: Sequence[Update], wanted: Sequence[Update]) -> Iterator[str]:
    """One line per update; those that were not wanted say that they wait."""
    if not updates:
        yield "no service update waits for this group"
        return
    asked = {update.name for update in wanted}
    width = max(len(update.name) for update in updates)
    reasons = {
        MAJOR: "a new major version is the settings' engine line (docs/operate/upgrades.md)",
        ENGINE: "not a security update",
    }
    for update in updates:
        sign = "✓" if update.status == COMPLETE else "✗" if update.name in asked else "·"
        unknown = f"a type that this command does not know: {update.kind}"
        left = f"left: {reasons.get(update.kind, unknown)}"
        yield (
            f"  {sign} {update.name:<{width}}  {update.kind:<27}  {update.severity:<9}  "
            f"{update.nodes:>5} nodes  {update.status if update.name in asked else left}"
        )


main = command(
    "apply-updates",
    _apply_and_check,
    takes=lambda given: given[:1] and given[0] and given[1:] in ([], ["--security"]),
    usage="name one environment, for example ENV=staging SECURITY=1",
    interrupted="an update that was started continues. When it is complete, run this again for the "
    "rest and for the health check.",
)
