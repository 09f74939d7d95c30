"""`make rehearse-restore`: production deployed, lost in three ways, and brought back (§4.2, §8)."""

import re
import sys
from datetime import datetime

from rehearsal.common import checks, steps
from rehearsal.common.checks import CHECKS
from rehearsal.common.commands import module, printed
from rehearsal.common.deployed import described, settled, token
from rehearsal.common.errors import RehearsalError, expect, expect_that
from rehearsal.common.rehearsal import Rehearsal
from rehearsal.common.run import perform
from rehearsal.common.steps import DEPLOYED, Step
from rehearsal.recovery import Backups, Machine


def _command(rehearsal: Rehearsal, snapshot: str, replace: str = "") -> list[str]:
    return module("tools.restore", rehearsal.checkout.name, snapshot, replace)


def restore(rehearsal: Rehearsal, snapshot: str, replace: str = "") -> tuple[str, int]:
    """What it printed, and the seconds that it says; RehearsalError when it fails."""
    said = printed(rehearsal, _command(rehearsal, snapshot, replace))
    found = re.search(r"is available with \d+ nodes after (\d+) s", said)
    if found is None:
        raise RehearsalError(f"make restore does not say that the group is there: {said}")
    printed(rehearsal, module("tools.health", rehearsal.checkout.name))
    return said, int(found[1])


_MARK = "rehearsal:restore:mark"


class RestoreScenario:
    """Its steps are those of a rehearsal in which production is deployed."""

    def __init__(self, *, keys: int) -> None:
        """``keys`` are written before the first snapshot, with an expiry as a limiter's have."""
        self._keys = keys
        self._snapshot = ""

    @property
    def steps(self) -> tuple[Step, ...]:
        """The group lost, its data spoilt, its stacks destroyed."""
        return (
            ("restore: keys and the daily snapshot", self.begin),
            ("restore: refused while nothing is lost", self.refuses),
            ("restore: the group was deleted by hand", self.group_lost),
            *self._whole("restore: "),
            ("restore: a deployment afterwards replaces nothing", self.deployed_again),
            ("restore: the data was spoilt", self.data_spoilt),
            ("restore: AWS would have allowed the functions' part", steps.judge),
            ("restore: every stack is destroyed and deployed again", self.stacks_lost),
            ("restore: and the data is back from the final snapshot", self.from_final_snapshot),
            *self._whole("restore: then "),
            ("restore: the group was deleted, and nothing keeps its data", self.nothing_left),
            ("restore: cdk diff is empty", steps.nothing_left_to_change),
        )

    @staticmethod
    def _whole(prefix: str) -> tuple[Step, ...]:
        return tuple((f"{prefix}{label}", check) for label, check in CHECKS[:4])

    def begin(self, rehearsal: Rehearsal) -> str:
        """What must come back is in the daily snapshot."""
        self._backups = Backups(rehearsal)
        Machine(rehearsal).keep()
        keys = self._backups.fill(self._keys)
        self._mark("before")
        self._snapshot = self._backups.take()
        return f"{keys:,} keys, snapshot {self._snapshot}"

    def refuses(self, rehearsal: Rehearsal) -> str:
        """A mistake in the command costs nothing: the group stays, and says why."""
        before = _made(rehearsal)
        group = described(rehearsal)["ReplicationGroupId"]
        neighbour = f"{group}-staging"
        for snapshot, replace, says in (
            ("of-nobody", "", "there is no snapshot of-nobody"),
            (f"{neighbour}-by-hand", "", f"is a snapshot of {neighbour}-001, not of {group}"),
            (self._snapshot, "", f"add REPLACE={group}"),
            (self._snapshot, "another", "REPLACE names another"),
            ("none", group, "no command here empties a group"),
        ):
            printed(rehearsal, _command(rehearsal, snapshot, replace), says, fails=True)
        expect("the group", _made(rehearsal), before)
        return "an unknown snapshot, a neighbour's, a group that is there, another's name, none"

    def group_lost(self, rehearsal: Rehearsal) -> str:
        """As a person deletes it, with a final snapshot: nothing else keeps its data."""
        published = _published(rehearsal)
        self._delete(rehearsal, FinalSnapshotIdentifier="by-hand")
        expect(
            "snapshots left",
            self._backups.names("system") + self._backups.names("user"),
            ["by-hand"],
        )
        _, seconds = restore(rehearsal, "by-hand")
        self._is_back(rehearsal, "before")
        if _published(rehearsal) != published:
            return f"back after {seconds} s at another address, which is published"
        return f"back after {seconds} s at the same address, with its keys"

    def deployed_again(self, rehearsal: Rehearsal) -> str:
        """CloudFormation takes the group for its own: no difference, and a change in place."""
        steps.nothing_left_to_change(rehearsal)
        said = steps.change(rehearsal)
        # As the document has a person look: the daily snapshot held every sentinel.
        missing = Machine(rehearsal).keep()["SentinelsMissing"]
        expect("sentinels missing after the restore", missing, 0)
        return said

    def data_spoilt(self, rehearsal: Rehearsal) -> str:
        """The group is there and what it holds is not: from an automatic snapshot, which dies."""
        self._mark("worth keeping")
        snapshot = self._backups.take()
        with self._backups.client() as redis:
            for key in redis.scan_iter(count=1000):  # clients have no FLUSHALL
                redis.unlink(key)
        self._mark("spoilt")
        said, seconds = restore(rehearsal, snapshot, self._backups.group_id)
        self._is_back(rehearsal, "worth keeping")
        found = re.search(r"goes into snapshot (\S+)", said)
        expect_that(found is not None, f"it does not say where the spoilt data is: {said}")
        return f"back after {seconds} s; what was spoilt is in {found and found[1]}"

    def stacks_lost(self, rehearsal: Rehearsal) -> str:
        """Everything that CloudFormation made goes; a new deployment has another key and token."""
        before = token(rehearsal)
        steps.lift_protection(rehearsal)
        steps.destroy(rehearsal)
        steps.prove(rehearsal)
        steps.deploy_again(rehearsal)
        expect_that(token(rehearsal) != before, "the new deployment has the old token")
        with self._backups.client() as redis:
            expect("the mark in the new group", redis.get(_MARK), None)
        return "an empty group, with a key and a token of its own"

    def from_final_snapshot(self, rehearsal: Rehearsal) -> str:
        """The newest manual snapshot is the one that the deletion left."""
        final = [name for name in self._backups.names("user") if "-final-" in name]
        _, seconds = restore(rehearsal, max(final), self._backups.group_id)
        self._is_back(rehearsal, "worth keeping")
        return f"back after {seconds} s from {max(final)}"

    def nothing_left(self, rehearsal: Rehearsal) -> str:
        """As a person deletes it who wants no snapshot: service comes back, empty."""
        self._delete(rehearsal)
        _, seconds = restore(rehearsal, "none")
        with self._backups.client() as redis:
            expect("the mark in the empty group", redis.get(_MARK), None)
        return f"an empty group serves after {seconds} s"

    def _mark(self, value: str) -> None:
        with self._backups.client() as redis:
            redis.set(_MARK, value)

    def _is_back(self, rehearsal: Rehearsal, value: str) -> None:
        checks.check_settings(rehearsal)  # the published address is the group's
        with self._backups.client() as redis:
            expect("the mark after the restore", redis.get(_MARK), value)
            keys = sum(1 for _ in redis.scan_iter("rehearsal:recovery:*", count=1000))
        expect("keys after the restore", keys, self._keys)

    def _delete(self, rehearsal: Rehearsal, **final: str) -> None:
        """By hand, past CloudFormation."""
        group, cache = self._backups.group_id, rehearsal.aws("elasticache")
        cache.delete_replication_group(ReplicationGroupId=group, **final)
        settled(rehearsal, group, gone=True)


def _made(rehearsal: Rehearsal) -> datetime:
    made: datetime = described(rehearsal)["ReplicationGroupCreateTime"]
    return made


def _published(rehearsal: Rehearsal) -> str:
    name = f"/vibewell/{rehearsal.checkout.name}/redis/REDIS_URL"
    value: str = rehearsal.aws("ssm").get_parameter(Name=name)["Parameter"]["Value"]
    return value


if __name__ == "__main__":
    sys.exit(perform((*DEPLOYED, *RestoreScenario(keys=10_000).steps)))
