"""The steps of the upgrade scenario: applications, the upgrade, and the way back."""

import json
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from emulator.clean_environment import ROOT
from emulator.nodes.waiting import wait_until
from rehearsal.common import checks, functions
from rehearsal.common.deployed import described, settled
from rehearsal.common.errors import RehearsalError, expect_that
from rehearsal.common.program import Program
from rehearsal.common.rehearsal import Rehearsal, resources
from rehearsal.common.steps import Step, deploy
from rehearsal.upgrade import engine
from rehearsal.upgrade.deciding import REQUESTS, USERS, Counted, spent_by
from rehearsal.upgrade.engine import DataCheck, Identity, require_nothing_replaced
from rehearsal.upgrade.release import Release
from rehearsal.upgrade.release import unpack as unpack_into

INSTANCES = 4


class Applications(Program):
    """`client` is the folder with the client package that they have installed."""

    def __init__(self, rehearsal: Rehearsal, client: Path) -> None:
        module = "rehearsal.upgrade.deciding"
        super().__init__(
            "applications",
            [sys.executable, "-m", module, _settings_path(rehearsal), str(INSTANCES)],
            rehearsal.embedded_aws.environment
            | {"PYTHONPATH": str(client), "SSL_CERT_FILE": str(rehearsal.authority)},
            rehearsal.folder,
            ready=True,
        )

    def end(self, *, longest_gap: float) -> str:
        """RehearsalError if they lost a limit, got an error, or missed Redis too long.

        `longest_gap` is in seconds.
        """
        counted = Counted(**json.loads(self.output()))
        expect_that(counted.raised is None, f"an application got an error: {counted.raised}")
        require_limits_kept(counted.left)
        fallback = counted.sources.get("fallback", 0)
        told = (
            f"{counted.decisions} decisions of {INSTANCES} instances, {fallback} of them without "
            f"Redis; the longest time without it was {counted.longest_gap:.2f} s"
        )
        if counted.longest_gap > longest_gap:
            said = self.log.read_text().strip()
            raise RehearsalError(f"more than {longest_gap:g} s without Redis: {told}\n{said}")
        return f"{told}; {USERS} users have what they had left"


def require_limits_kept(left: dict[str, int]) -> None:
    """RehearsalError with the first user that has not as much left as before."""
    for user in range(USERS):
        wanted = REQUESTS - spent_by(user)
        expect_that(
            left.get(str(user)) == wanted,
            f"the upgrade lost a limit: user {user} had {wanted} requests left, now "
            f"{left.get(str(user))}",
        )


def _settings_path(rehearsal: Rehearsal) -> str:
    (url,) = (
        found.physical_id
        for found in resources(rehearsal, "AWS::SSM::Parameter")
        if found.physical_id.endswith("/REDIS_URL")
    )
    return url.rpartition("/")[0]


SNAPSHOT, BESIDE = "before-the-upgrade", "vibewell-redis-back"
_PATIENCE = 120  # seconds


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

    version = wait_until(taken, seconds=_PATIENCE, what=f"the snapshot {SNAPSHOT}")
    return f"{SNAPSHOT}, of {version} on {source['CacheClusterId']}"


def restore(rehearsal: Rehearsal, kept: DataCheck, engine: str) -> str:
    """A group beside from it, on this engine, with the same data; then it is deleted again."""
    elasticache = rehearsal.aws("elasticache")
    name, version = engine.split("-")
    elasticache.create_replication_group(
        ReplicationGroupId=BESIDE,
        ReplicationGroupDescription="From before the upgrade",
        SnapshotName=SNAPSHOT,
        Engine=name,
        EngineVersion=version,
        **_as_the_group(rehearsal),
    )
    settled(rehearsal, BESIDE)
    answer = elasticache.describe_replication_groups(ReplicationGroupId=BESIDE)
    (found,) = answer["ReplicationGroups"]
    endpoint = found["NodeGroups"][0]["PrimaryEndpoint"]
    said = kept.check(rehearsal, (endpoint["Address"], int(endpoint["Port"])))
    elasticache.delete_replication_group(ReplicationGroupId=BESIDE)
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
        self._kept = DataCheck()
        self._written = False

    def start_from(self, release: Release) -> Action:
        """What is deployed first is the release, and its client is what applications have."""

        def unpack(rehearsal: Rehearsal) -> str:
            folder = rehearsal.folder / "release"
            told = unpack_into(release, folder)
            rehearsal.turn_to(folder, "release")
            if (folder / "client/vibewell_redis/asyncio/limiter.py").exists():
                self._client = folder / "client"
            return f"{release}: {told}"

        return unpack

    def steps(
        self, what: str, upgrade: Action, *before: Step, longest_gap: float
    ) -> tuple[Step, ...]:
        """An upgrade with all that is looked at around it; `longest_gap` is in seconds.

        `before` are steps of its own, right before it.
        """

        def end(_rehearsal: Rehearsal) -> str:
            return self._applications.end(longest_gap=longest_gap)

        return (
            ("data of every type, and who is deployed", self._write),
            ("applications decide from now on", self._begin),
            *before,
            (what, upgrade),
            ("nothing that holds something was replaced", self._compare),
            ("the data is there", self._kept.check),
            ("logins over TLS, with the same token", checks.check_logins),
            ("the applications' own account", end),
            ("the deployment's own health check", functions.check_health),
        )

    def way_back(self, engine: str) -> Step:
        """The snapshot from before restores to the older engine, and holds the data."""
        return (
            f"the way back: a snapshot on {engine}, beside",
            lambda rehearsal: restore(rehearsal, self._kept, engine),
        )

    def _write(self, rehearsal: Rehearsal) -> str:
        # The same data lives through every upgrade of a rehearsal.
        written = self._kept.check(rehearsal) if self._written else self._kept.write(rehearsal)
        self._written = True
        self._before = Identity.of(rehearsal)
        return f"{written}; {len(self._before.resources)} resources that hold something"

    def _begin(self, rehearsal: Rehearsal) -> str:
        self._applications = self._context.enter_context(Applications(rehearsal, self._client))
        own = self._client != ROOT / "client"
        return "with the release's client package" if own else "with this revision's client package"

    def _compare(self, rehearsal: Rehearsal) -> str:
        return self._before.require_same(Identity.of(rehearsal))


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
    return lambda rehearsal: engine.change_to(rehearsal, name)


SNAPSHOT_BEFORE: Step = ("a snapshot before", take)


def back_to(name: str) -> Step:
    """The way back must be refused."""
    return (f"back to {name} is refused", lambda rehearsal: engine.refused(rehearsal, name))
