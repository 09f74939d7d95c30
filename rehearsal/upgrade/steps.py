"""The steps of the upgrade scenario: applications, the upgrade, and the way back."""

import json
import sys
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any

from emulator.clean_environment import ROOT
from rehearsal.common import checks, functions
from rehearsal.common.deployed import create_group, described, endpoint, settled
from rehearsal.common.errors import RehearsalError, eventually, expect
from rehearsal.common.program import Program
from rehearsal.common.rehearsal import Rehearsal
from rehearsal.common.steps import Step, deploy
from rehearsal.upgrade import engine
from rehearsal.upgrade.deciding import REQUESTS, USERS, Counted, spent_by
from rehearsal.upgrade.engine import (
    check_data,
    identity,
    require_nothing_replaced,
    require_same,
    write_data,
)
from rehearsal.upgrade.release import Release
from rehearsal.upgrade.release import unpack as unpack_into

INSTANCES = 4


SNAPSHOT, BESIDE = "before-the-upgrade", "vibewell-redis-back"


def take(rehearsal: Rehearsal) -> str:
    """A manual snapshot, which outlives the group and every automatic one."""
    elasticache = rehearsal.aws("elasticache")
    (shard,) = described(rehearsal)["NodeGroups"]
    # As docs/operate/operations.md has a person choose: of a replica, which spares the primary.
    source = max(shard["NodeGroupMembers"], key=lambda member: str(member["CurrentRole"]))
    elasticache.create_snapshot(CacheClusterId=source["CacheClusterId"], SnapshotName=SNAPSHOT)

    def taken() -> str | None:
        (snapshot,) = elasticache.describe_snapshots(SnapshotName=SNAPSHOT)["Snapshots"]
        free = described(rehearsal)["Status"] == "available"
        return str(snapshot["EngineVersion"]) if free else None

    version = eventually(taken, f"the snapshot {SNAPSHOT}")
    return f"{SNAPSHOT}, of {version} on {source['CacheClusterId']}"


def restore(rehearsal: Rehearsal, engine: str) -> str:
    """The snapshot in a group of its own, on this engine, with the same data."""
    name, version = engine.split("-")
    given = {"SnapshotName": SNAPSHOT, "Engine": name, "EngineVersion": version}
    create_group(rehearsal, BESIDE, **given, **_as_the_group(rehearsal))
    found = described(rehearsal, BESIDE)
    said = check_data(rehearsal, endpoint(found["NodeGroups"][0]["PrimaryEndpoint"]))
    rehearsal.aws("elasticache").delete_replication_group(ReplicationGroupId=BESIDE)
    settled(rehearsal, BESIDE, gone=True)
    return f"{SNAPSHOT} on {engine}: {said}"


def _as_the_group(rehearsal: Rehearsal) -> dict[str, Any]:
    """What a snapshot does not carry: it must be given again (user guide, "Restoring")."""
    group = described(rehearsal)
    node = rehearsal.aws("elasticache").describe_cache_clusters(
        CacheClusterId=group["MemberClusters"][0]
    )["CacheClusters"][0]
    return {
        "CacheNodeType": group["CacheNodeType"],
        "NumCacheClusters": len(group["MemberClusters"]),
        "AutomaticFailoverEnabled": True,
        "MultiAZEnabled": True,
        "AtRestEncryptionEnabled": True,
        "KmsKeyId": group["KmsKeyId"],
        "TransitEncryptionEnabled": True,
        "UserGroupIds": group["UserGroupIds"],
        "CacheSubnetGroupName": node["CacheSubnetGroupName"],
        "SecurityGroupIds": [one["SecurityGroupId"] for one in node["SecurityGroups"]],
    }


Action = Callable[[Rehearsal], str]

# Seconds without a decision of Redis' that an application may see. A deployment changes no node:
# what is allowed is a pause of a busy machine. An engine's upgrade has one failover.
DEPLOYMENT, ENGINE = 2.0, 5.0


class Beside:
    """Steps around upgrades: what is there before, what must be there after.

    `context` ends the applications, whatever happens.
    """

    def __init__(self, context: ExitStack) -> None:
        self._client = ROOT / "client"
        self._context = context
        self._written = False

    def start_from(self, release: Release) -> Action:
        """What is deployed first is the release, and its client is what applications have."""

        def unpack(rehearsal: Rehearsal) -> str:
            folder = rehearsal.folder / "release"
            said = unpack_into(release, folder)
            rehearsal.turn_to(folder, "release")
            if (folder / "client/vibewell_redis/asyncio/limiter.py").exists():
                self._client = folder / "client"
            return f"{release}: {said}"

        return unpack

    def steps(
        self, what: str, upgrade: Action, *before: Step, longest_gap: float
    ) -> tuple[Step, ...]:
        """An upgrade with all that is looked at around it; `longest_gap` is in seconds.

        `before` are steps of its own, right before it.
        """
        return (
            ("data of every type, and who is deployed", self._write),
            ("applications decide from now on", self._begin),
            *before,
            (what, upgrade),
            (
                "nothing that holds something was replaced",
                lambda rehearsal: require_same(self._before, identity(rehearsal)),
            ),
            ("the data is there", check_data),
            ("logins over TLS, with the same token", checks.check_logins),
            ("the applications' own account", partial(self._end, longest_gap=longest_gap)),
            ("the deployment's own health check", functions.check_health),
        )

    def _write(self, rehearsal: Rehearsal) -> str:
        # The same data lives through every upgrade of a rehearsal.
        written = check_data(rehearsal) if self._written else write_data(rehearsal)
        self._written = True
        self._before = identity(rehearsal)
        return f"{written}; {len(self._before)} names, ids and addresses"

    def _begin(self, rehearsal: Rehearsal) -> str:
        module, path = "rehearsal.upgrade.deciding", f"/vibewell/{rehearsal.checkout.name}/redis"
        variables = {"PYTHONPATH": str(self._client), "SSL_CERT_FILE": str(rehearsal.authority)}
        program = Program(
            "applications",
            [sys.executable, "-m", module, path, str(INSTANCES)],
            rehearsal.embedded_aws.environment | variables,
            rehearsal.folder,
        )
        self._applications = self._context.enter_context(program)
        program.read_line()  # when every instance decides by Redis
        own = self._client != ROOT / "client"
        return "with the release's client package" if own else "with this revision's client package"

    def _end(self, _rehearsal: Rehearsal, *, longest_gap: float) -> str:
        """RehearsalError if they lost a limit, got an error, or missed Redis too long."""
        counted = Counted(**json.loads(self._applications.output()))
        expect("what an application got as an error", counted.raised, None)
        wanted = {str(user): REQUESTS - spent_by(user) for user in range(USERS)}
        expect("requests that each user has left", counted.left, wanted)
        said = (
            f"{counted.decisions} decisions of {INSTANCES} instances, {counted.fallbacks} of them "
            f"without Redis; the longest time without it was {counted.longest_gap:.2f} s"
        )
        if counted.longest_gap > longest_gap:
            log = self._applications.log.read_text().strip()
            raise RehearsalError(f"more than {longest_gap:g} s without Redis: {said}\n{log}")
        return f"{said}; {USERS} users have what they had left"


def way_back(engine: str) -> Step:
    """The snapshot from before restores to the older engine, and holds the data."""
    return (f"the way back: a snapshot on {engine}, beside", partial(restore, engine=engine))


def to_this_revision(rehearsal: Rehearsal) -> str:
    """Deploy this checkout over what is deployed."""
    rehearsal.turn_to(ROOT, "current")
    rehearsal.checkout.make()
    rehearsal.cdk.synth(rehearsal.checkout.name)
    said = require_nothing_replaced(rehearsal)
    deploy(rehearsal)
    return said


def to_engine(name: str) -> Action:
    """The file's one line, deployed."""
    return partial(engine.change_to, engine=name)


SNAPSHOT_BEFORE: Step = ("a snapshot before", take)


def back_to(name: str) -> Step:
    """The way back must be refused."""
    return (f"back to {name} is refused", partial(engine.refused, engine=name))
