"""`make rehearse-recovery`: a snapshot taken, restored and verified, and every way it fails.

Nothing is read from the functions' code: the state machine is started by its schedule, broken from
outside, and judged by its history, by the channel, and by what is left.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from redis import Redis
from redis.cluster import RedisCluster

from rehearsal.common import functions
from rehearsal.common.deployed import Deployed, create_group, described, settled
from rehearsal.common.errors import eventually, expect, expect_that
from rehearsal.common.rehearsal import Rehearsal, give, only, paged, said_by, variables_of
from rehearsal.common.run import perform
from rehearsal.common.steps import DEPLOYED, Step, judge
from rehearsal.rotation.token_search import TokenSearch

_A_CALL = 10_000  # keys that one round trip writes


class Backups:
    """The group's, which is found by its deployment."""

    def __init__(self, rehearsal: Rehearsal) -> None:
        self._rehearsal = rehearsal
        self._cache = rehearsal.aws("elasticache")
        group = described(rehearsal)
        self.group_id: str = group["ReplicationGroupId"]
        self._in_shards: bool = group["ClusterEnabled"]

    def take(self) -> str:
        """Have the daily snapshot taken now; its name, once it is complete."""
        name = str(self._rehearsal.ask("take_automatic_snapshot", group=self.group_id))

        def complete() -> bool:
            (found,) = self._cache.describe_snapshots(SnapshotName=name)["Snapshots"]
            statuses = {found["SnapshotStatus"], described(self._rehearsal)["Status"]}
            return statuses == {"available"}

        eventually(complete, f"snapshot {name}")
        return name

    def forget(self) -> None:
        """Remove every automatic snapshot."""
        for name in self.names("system"):
            self._cache.delete_snapshot(SnapshotName=name)

    def names(self, source: str) -> list[str]:
        """The group's own snapshots, oldest first; ``source`` is "system" or "user"."""
        members = [f"{self.group_id}-{number:03}" for number in range(1, 10)]
        found = paged(self._cache, "describe_snapshots", "Snapshots", SnapshotSource=source)
        return [
            snapshot["SnapshotName"]
            for snapshot in found
            if snapshot.get("CacheClusterId") in members  # and no neighbour's
            or snapshot.get("ReplicationGroupId") == self.group_id
        ]

    def spoil(self, name: str) -> None:
        """Cut a snapshot's file off in its middle, so that no server loads it."""
        file, *_ = (self._rehearsal.folder / "nodes" / "snapshots" / name).glob("*.rdb")
        content = file.read_bytes()
        file.write_bytes(content[: len(content) // 2])

    @contextmanager
    def client(self) -> Iterator[Redis | RedisCluster]:
        """A client of the group's primary, or in cluster mode of all shards."""
        here = Deployed.of(self._rehearsal)
        host, port = here.published
        tls: dict[str, Any] = {
            "ssl": True,
            "ssl_ca_certs": str(here.authority),
            "decode_responses": True,
        }
        with (
            RedisCluster(host, port, password=here.token, **tls)
            if self._in_shards
            else here.connect()
        ) as client:
            yield client

    def fill(self, keys: int) -> int:
        """Write keys as a limiter writes them, with an expiry; how many there are then."""
        everywhere = {"target_nodes": RedisCluster.PRIMARIES} if self._in_shards else {}
        with self.client() as redis:
            for first in range(0, keys, _A_CALL):
                pipeline = redis.pipeline(transaction=False)
                for number in range(first, min(first + _A_CALL, keys)):
                    pipeline.set(f"rehearsal:recovery:{number:07}", number, ex=86_400)
                pipeline.execute()
            return int(redis.dbsize(**everywhere))

    def groups(self) -> set[str]:
        """Every replication group that there is."""
        found = paged(self._cache, "describe_replication_groups", "ReplicationGroups")
        return {group["ReplicationGroupId"] for group in found}


_EXECUTION = 600  # seconds of one execution here


@dataclass(frozen=True)
class Execution:
    """One that has ended; ``history`` is everything that its states were given and gave."""

    status: str
    document: dict[str, Any]
    history: str
    name: str


class Machine:
    """The state machine with the schedules and the function whose names begin with its own."""

    def __init__(self, rehearsal: Rehearsal) -> None:
        self._rehearsal = rehearsal
        self._states = rehearsal.aws("stepfunctions")
        self.arn = only(rehearsal, "AWS::StepFunctions::StateMachine").physical_id
        self.name = self.arn.rpartition(":")[2]

    def start(self) -> str:
        """Fire its monthly schedule; the execution's ARN."""
        answer = functions.fire(self._rehearsal.aws, f"{self.name}-monthly")
        return str(answer["executionArn"])

    def end(self, execution: str) -> Execution:
        """Wait until it has ended. TimeoutError if it does not."""

        def ended() -> dict[str, Any] | None:
            found: dict[str, Any] = self._states.describe_execution(executionArn=execution)
            return None if found["status"] == "RUNNING" else found

        found = eventually(ended, f"the end of {execution}", _EXECUTION)
        events = self._states.get_execution_history(executionArn=execution, maxResults=1000)
        outputs = [
            event["stateExitedEventDetails"]["output"]
            for event in events["events"]
            if "stateExitedEventDetails" in event
        ]
        history = json.dumps(events, default=str)
        return Execution(found["status"], json.loads(outputs[-1]), history, found["name"])

    def keep(self) -> dict[str, Any]:
        """Have the sentinels kept, and return what the pass published."""
        return self._pass("keep", f"{self.name}-keeper")

    def watch(self) -> dict[str, Any]:
        """Have the watch make a pass, and return what it published."""
        return self._pass("watch", self.name)

    @contextmanager
    def with_seconds(self, **variables: int) -> Iterator[None]:
        """The operator's variables of these names have other values, as long as this lasts."""
        before = variables_of(self._rehearsal, self.name)
        changed = {f"{name.upper()}_SECONDS": str(value) for name, value in variables.items()}
        give(self._rehearsal, self.name, before | changed)
        try:
            yield
        finally:
            give(self._rehearsal, self.name, before)

    def _pass(self, schedule: str, function: str) -> dict[str, Any]:
        since = int(time.time() * 1000)
        functions.fire(self._rehearsal.aws, f"{self.name}-{schedule}")
        return eventually(
            lambda: said_by(self._rehearsal, function, since), f"a pass of {function}"
        )


SENTINEL = "recovery:sentinel:07"

# What comes before the one `yield` breaks something, what comes after it undoes that.
Breaking = Callable[[Rehearsal, Machine, Backups], Iterator[None]]


def no_snapshot(_rehearsal: Rehearsal, _machine: Machine, backups: Backups) -> Iterator[None]:
    """No automatic snapshot is there."""
    backups.forget()
    yield
    backups.take()


def restore_fails(_rehearsal: Rehearsal, _machine: Machine, backups: Backups) -> Iterator[None]:
    """The newest snapshot is one that no server loads."""
    backups.spoil(backups.take())
    yield
    backups.forget()
    backups.take()


def sentinel_missing(_rehearsal: Rehearsal, machine: Machine, backups: Backups) -> Iterator[None]:
    """One sentinel is not in the snapshot."""
    with backups.client() as redis:
        redis.delete(SENTINEL)
    backups.take()
    yield
    machine.keep()
    backups.take()


def sentinel_altered(_rehearsal: Rehearsal, machine: Machine, backups: Backups) -> Iterator[None]:
    """One sentinel in the snapshot has one other character."""
    with backups.client() as redis:
        value = str(redis.get(SENTINEL))
        redis.set(SENTINEL, value[:-1] + ("0" if value[-1] != "0" else "1"))
    backups.take()
    yield
    with backups.client() as redis:
        redis.delete(SENTINEL)
    machine.keep()
    backups.take()


def manifest_altered(rehearsal: Rehearsal, _machine: Machine, _backups: Backups) -> Iterator[None]:
    """One digest of the manifest is another, and its checksum is the old one."""
    ssm = rehearsal.aws("ssm")
    name = f"/vibewell/{rehearsal.checkout.name}/recovery/manifest"
    before = ssm.get_parameter(Name=name)["Parameter"]["Value"]
    document = json.loads(before)
    document["sentinels"][SENTINEL] = "0" * 64
    ssm.put_parameter(Name=name, Value=json.dumps(document), Overwrite=True)
    yield
    ssm.put_parameter(Name=name, Value=before, Overwrite=True)


def time_out(_rehearsal: Rehearsal, machine: Machine, _backups: Backups) -> Iterator[None]:
    """A restore may take no time at all."""
    with machine.with_seconds(give_up_after=0):
        yield


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


class RecoveryScenario:
    """Its steps are those of a rehearsal in which production is deployed."""

    def __init__(self, *, keys: int) -> None:
        """``keys`` are written beside the sentinels before the first snapshot."""
        self._keys = keys
        self._tokens: set[str] = set()
        self._histories: list[str] = []

    @property
    def steps(self) -> tuple[Step, ...]:
        """It passes, it fails in every way, it is cancelled, and it passes again."""
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
        said = self._report(rehearsal, since, execution.name)
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
        functions.fire(rehearsal.aws, f"{machine.name}-warm")
        self.passes(rehearsal)
        expect_that(code not in self._histories[-1], "the daily call does not reach the verifier")
        return "called again until it was ready; after the daily call ready at once"

    def fails(self, rehearsal: Rehearsal, *, breaking: Breaking, says: str) -> str:
        """It fails, the report says why, the watch says so until one passes, nothing is left."""
        machine, backups = Machine(rehearsal), Backups(rehearsal)
        with ExitStack() as context:
            broken = breaking(rehearsal, machine, backups)
            next(broken)
            context.callback(next, broken, None)
            since = time.time()
            execution = self._run(rehearsal, machine, backups)
            expect("status", execution.status, "FAILED")
            said = self._report(rehearsal, since, execution.name)
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
        (left,) = eventually(lambda: backups.groups() - there, "a restored group", _LONGEST)
        # As a person does it in the console: nothing of the machine runs after it.
        rehearsal.aws("stepfunctions").stop_execution(executionArn=execution)
        expect("status", machine.end(execution).status, "ABORTED")
        self._remember_token(rehearsal)
        published = machine.watch()
        expect("RecoveryFailed", published["RecoveryFailed"], 1)
        expect("leftovers, young as it is", published["RecoveryLeftovers"], 0)
        expect_that(left in backups.groups(), "the sweep removed a group of a test that may run")
        stranger = f"{backups.group_id}{_STRANGER}"
        create_group(rehearsal, stranger)
        with machine.with_seconds(sweep_after=0):
            expect("leftovers", machine.watch()["RecoveryLeftovers"], 1)
            eventually(lambda: machine.watch() and left not in backups.groups(), f"{left} gone")
            machine.watch()
        expect("what the sweep left", backups.groups(), there | {stranger})
        rehearsal.aws("elasticache").delete_replication_group(ReplicationGroupId=stranger)
        settled(rehearsal, stranger, gone=True)
        return f"{left} removed; {backups.group_id} and {stranger}, which is a person's, stay"

    def secret(self, rehearsal: Rehearsal) -> str:
        """No token of a restored group is in a history, a log, a message or a file."""
        emitted = TokenSearch(rehearsal)
        for number, history in enumerate(self._histories):
            emitted.keep(f"history {number}", history)
        return emitted.search(frozenset(self._tokens))

    def _run(self, rehearsal: Rehearsal, machine: Machine, backups: Backups) -> Execution:
        there = backups.groups()
        execution = machine.end(machine.start())
        self._histories.append(execution.history)
        self._remember_token(rehearsal)
        expect("groups after a test", backups.groups(), there)
        return execution

    def _remember_token(self, rehearsal: Rehearsal) -> None:
        secret = only(rehearsal, "AWS::SecretsManager::Secret", "-operations").physical_id
        value = rehearsal.aws("secretsmanager").get_secret_value(SecretId=secret)
        self._tokens.add(value["SecretString"])

    @staticmethod
    def _report(rehearsal: Rehearsal, since: float, execution: str) -> dict[str, Any]:
        def look() -> dict[str, Any] | None:
            for message in rehearsal.ask("messages"):
                if message["time"] >= since and execution in message["message"]:
                    expect_that(message["shown"], f"Slack does not show it: {message['why_not']}")
                    expect("where the report goes", message["service"], "slack")
                    content: dict[str, Any] = json.loads(message["message"])["content"]
                    return content
            return None

        return eventually(look, "the report in the channel", _LONGEST)


KEYS = 1_000_000
# A node here has a hundredth of its type's memory: a million keys need 100 MB.
NODE_TYPE = "cache.r6g.2xlarge"


def _room_for_them(rehearsal: Rehearsal) -> str:
    rehearsal.checkout.set("redis.node_type", NODE_TYPE)
    rehearsal.checkout.set("alarms.cpu_credit_balance", None)  # such a node has none
    return f"nodes of {NODE_TYPE}, at a hundredth of its memory"


def steps(keys: int) -> tuple[Step, ...]:
    """The whole, with room for so many keys."""
    before, after = DEPLOYED[:2], DEPLOYED[2:]
    return (
        *before,
        ("larger nodes", _room_for_them),
        *after,
        *RecoveryScenario(keys=keys).steps,
        ("AWS would have allowed all of it", judge),
    )


if __name__ == "__main__":
    sys.exit(perform(steps(KEYS)))
