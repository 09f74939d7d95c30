"""The steps of the recovery scenario, in their order, with every way to fail."""

import json
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any

from emulator.nodes.waiting import wait_until
from rehearsal.common.errors import expect, expect_that
from rehearsal.common.rehearsal import Rehearsal, only, resources
from rehearsal.common.steps import Step
from rehearsal.recovery.machine import Backups, Execution, Machine
from rehearsal.rotation.emf import Emitted

SENTINEL = "recovery:sentinel:07"

Undo = Callable[[], object]
Breaking = Callable[[Rehearsal, Machine, Backups], Undo]


def no_snapshot(_rehearsal: Rehearsal, _machine: Machine, backups: Backups) -> Undo:
    """No automatic snapshot is there."""
    backups.forget()
    return backups.take


def restore_fails(_rehearsal: Rehearsal, _machine: Machine, backups: Backups) -> Undo:
    """The newest snapshot is one that no server loads."""
    backups.spoil(backups.take())
    return lambda: (backups.forget(), backups.take())


def sentinel_missing(_rehearsal: Rehearsal, machine: Machine, backups: Backups) -> Undo:
    """One sentinel is not in the snapshot."""
    with backups.client() as redis:
        redis.delete(SENTINEL)
    backups.take()
    return lambda: (machine.keep(), backups.take())


def sentinel_altered(_rehearsal: Rehearsal, machine: Machine, backups: Backups) -> Undo:
    """One sentinel in the snapshot has one other character."""
    with backups.client() as redis:
        value = str(redis.get(SENTINEL))
        redis.set(SENTINEL, value[:-1] + ("0" if value[-1] != "0" else "1"))
    backups.take()

    def undo() -> None:
        with backups.client() as redis:
            redis.delete(SENTINEL)
        machine.keep()
        backups.take()

    return undo


def manifest_altered(rehearsal: Rehearsal, _machine: Machine, _backups: Backups) -> Undo:
    """One digest of the manifest is another, and its checksum is the old one."""
    ssm = rehearsal.aws("ssm")
    (name,) = (
        found.physical_id
        for found in resources(rehearsal, "AWS::SSM::Parameter")
        if found.physical_id.endswith("/recovery/manifest")
    )
    before = ssm.get_parameter(Name=name)["Parameter"]["Value"]
    document = json.loads(before)
    document["sentinels"][SENTINEL] = "0" * 64
    ssm.put_parameter(Name=name, Value=json.dumps(document), Overwrite=True)
    return lambda: ssm.put_parameter(Name=name, Value=before, Overwrite=True)


def time_out(_rehearsal: Rehearsal, machine: Machine, _backups: Backups) -> Undo:
    """A restore may take no time at all."""
    context = ExitStack()
    context.enter_context(machine.with_seconds(give_up_after=0))
    return context.close


# What is broken, and the error that the report must name.
FAILURES: tuple[tuple[str, Breaking, str], ...] = (
    ("no snapshot", no_snapshot, "NoSnapshotError"),
    ("a restore that fails", restore_fails, "RestoreFailedError"),
    ("a missing sentinel", sentinel_missing, "of 32 sentinels 1 missing (recovery:sentinel:07)"),
    ("an altered sentinel", sentinel_altered, "of 32 sentinels 1 altered (recovery:sentinel:07)"),
    ("a manifest with a wrong checksum", manifest_altered, "ManifestError"),
    ("a restore that takes too long", time_out, "TooLateError"),
)


_LONGEST = 240  # seconds until something is there or gone
_STRANGER = "-recovery-mine"  # what a person may call a group


class RecoveryProof:
    """Its steps are those of a rehearsal in which production is deployed."""

    def __init__(self, *, keys: int) -> None:
        """``keys`` are written beside the sentinels before the first snapshot."""
        self._keys = keys
        self._tokens: set[str] = set()
        self._histories: list[str] = []

    @property
    def steps(self) -> tuple[Step, ...]:
        """The acts: it passes, it fails in every way, it is cancelled, and it passes again."""
        return (
            ("recovery: keys and sentinels", self.begin),
            ("recovery: the newest snapshot is restored", self.passes),
            ("recovery: its verifier was idle for weeks", self.idle),
            *(
                (f"recovery: {what}", partial(self.fails, breaking=breaking, says=says))
                for what, breaking, says in FAILURES
            ),
            ("recovery: cancelled, then swept", self.cancelled),
            ("recovery: it passes again", self.passes),
            ("recovery: no token in anything emitted", self.secret),
        )

    def begin(self, rehearsal: Rehearsal) -> str:
        """The sentinels are written, kept once more, and in the first snapshot."""
        backups, machine = Backups(rehearsal), Machine(rehearsal)
        machine.keep()
        again = machine.keep()
        expect("sentinels missing at the second pass", again["SentinelsMissing"], 0)
        keys = backups.fill(self._keys)
        return f"{keys:,} keys, the sentinels without expiry; snapshot {backups.take()}"

    def passes(self, rehearsal: Rehearsal) -> str:
        """It succeeds, the channel shows the report, and nothing is left."""
        machine, backups = Machine(rehearsal), Backups(rehearsal)
        since = time.time()
        execution = self._run(rehearsal, machine, backups)
        expect("status", execution.status, "SUCCEEDED")
        report = execution.document["report"]
        said = self._told(rehearsal, since, execution.name)
        expect_that("Recovery test passed" in said["title"], f"the report says {said}")
        published = machine.watch()
        expect("RecoveryFailed after a test that passed", published["RecoveryFailed"], 0)
        minutes = published["RecoveryTimeMinutes"]
        expect_that(
            abs(minutes * 60 - report["time_seconds"]) < 1, f"published are {minutes} minutes"
        )
        return (
            f"first verified read after {report['time_seconds']:.1f} s, "
            f"{execution.document['verified']['keys']:,} keys, "
            f"the snapshot was {report['point_seconds']:.0f} s old"
        )

    def idle(self, rehearsal: Rehearsal) -> str:
        """An idle verifier is waited for; and the daily call keeps it from being idle."""
        machine = Machine(rehearsal)
        verifier, code = f"{machine.name}-verifier", "ResourceNotReadyException"
        rehearsal.ask(
            "let_idle", function=verifier, codes=f"{code},CodeArtifactUserPendingException"
        )
        self.passes(rehearsal)
        expect_that(f"Lambda.{code}" in self._histories[-1], "the verifier was not idle")
        rehearsal.ask("let_idle", function=verifier, codes=",".join([code] * 99))
        machine.warm()
        self.passes(rehearsal)
        expect_that(code not in self._histories[-1], "the daily call does not reach the verifier")
        return "called again until it was ready; after the daily call ready at once"

    def fails(self, rehearsal: Rehearsal, *, breaking: Breaking, says: str) -> str:
        """It fails, the report says why, the watch says so until one passes, nothing is left."""
        machine, backups = Machine(rehearsal), Backups(rehearsal)
        with ExitStack() as context:
            context.callback(breaking(rehearsal, machine, backups))
            since = time.time()
            execution = self._run(rehearsal, machine, backups)
            expect("status", execution.status, "FAILED")
            said = self._told(rehearsal, since, execution.name)
            expect_that("Recovery test FAILED" in said["title"], f"the report says {said}")
            expect_that(says in said["description"], f"the report says {said}, not {says!r}")
            expect_that("#recovery-failed" in said["nextSteps"][0], f"the report says {said}")
            expect("RecoveryFailed", machine.watch()["RecoveryFailed"], 1)
        lines: list[str] = said["description"].splitlines()
        return next(line for line in lines if "Why" in line)

    def cancelled(self, rehearsal: Rehearsal) -> str:
        """A cancelled one leaves its group; the sweep removes that when it is old, and no other."""
        machine, backups = Machine(rehearsal), Backups(rehearsal)
        there = backups.groups()
        execution = machine.start()
        (left,) = wait_until(
            lambda: backups.groups() - there or None, seconds=_LONGEST, what="a restored group"
        )
        machine.cancel(execution)
        expect("status", machine.end(execution).status, "ABORTED")
        self._remember_token(rehearsal)
        published = machine.watch()
        expect("RecoveryFailed", published["RecoveryFailed"], 1)
        expect("leftovers, young as it is", published["RecoveryLeftovers"], 0)
        expect_that(left in backups.groups(), "the sweep removed a group of a test that may run")
        stranger = self._group_of_a_person(rehearsal, backups)
        with machine.with_seconds(sweep_after=0):
            expect("leftovers", machine.watch()["RecoveryLeftovers"], 1)
            wait_until(
                lambda: self._swept(machine, backups, left), seconds=_LONGEST, what=f"{left} gone"
            )
            machine.watch()
        expect("what the sweep left", backups.groups(), there | {stranger})
        rehearsal.aws("elasticache").delete_replication_group(ReplicationGroupId=stranger)
        wait_until(
            lambda: stranger not in backups.groups() or None, seconds=_LONGEST, what="tidied up"
        )
        return f"{left} removed; {backups.group_id} and {stranger}, which is a person's, stay"

    def secret(self, rehearsal: Rehearsal) -> str:
        """No token of a restored group is in a history, a log, a message or a file."""
        emitted = Emitted(rehearsal)
        for number, history in enumerate(self._histories):
            emitted.keep(f"history {number}", history)
        return emitted.search(frozenset(self._tokens))

    def _run(self, rehearsal: Rehearsal, machine: Machine, backups: Backups) -> Execution:
        there = backups.groups()
        execution = machine.run()
        self._histories.append(execution.history)
        self._remember_token(rehearsal)
        expect("groups after a test", backups.groups(), there)
        return execution

    def _remember_token(self, rehearsal: Rehearsal) -> None:
        secret = only(rehearsal, "AWS::SecretsManager::Secret", "-operations").physical_id
        value = rehearsal.aws("secretsmanager").get_secret_value(SecretId=secret)
        self._tokens.add(value["SecretString"])

    @staticmethod
    def _told(rehearsal: Rehearsal, since: float, execution: str) -> dict[str, Any]:
        def look() -> dict[str, Any] | None:
            for message in rehearsal.ask("messages"):
                if message["time"] >= since and execution in message["message"]:
                    expect_that(message["shown"], f"Slack does not show it: {message['why_not']}")
                    expect("where the report goes", message["service"], "slack")
                    content: dict[str, Any] = json.loads(message["message"])["content"]
                    return content
            return None

        return wait_until(look, seconds=_LONGEST, what="the report in the channel")

    @staticmethod
    def _swept(machine: Machine, backups: Backups, left: str) -> bool | None:
        if left not in backups.groups():
            return True
        machine.watch()
        return None

    @staticmethod
    def _group_of_a_person(rehearsal: Rehearsal, backups: Backups) -> str:
        name = f"{backups.group_id}{_STRANGER}"
        rehearsal.aws("elasticache").create_replication_group(
            ReplicationGroupId=name,
            ReplicationGroupDescription="An experiment with a name of that kind",
            CacheNodeType="cache.t3.micro",
            EngineVersion="6.2",
            Engine="redis",
            NumCacheClusters=1,
        )
        cache = rehearsal.aws("elasticache")

        def ready() -> bool | None:
            found = cache.describe_replication_groups(ReplicationGroupId=name)
            return found["ReplicationGroups"][0]["Status"] == "available" or None

        wait_until(ready, seconds=_LONGEST, what=name)
        return name
