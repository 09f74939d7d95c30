"""The deployed recovery test and the group's snapshots."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from redis import Redis
from redis.cluster import RedisCluster

from emulator.nodes.waiting import wait_until
from rehearsal.common import schedules
from rehearsal.common.deployed import Deployed, described
from rehearsal.common.rehearsal import Rehearsal, give, only, said_by, variables_of

_SNAPSHOT = 120  # seconds of one snapshot
_A_CALL = 10_000  # keys that one round trip writes


def names_of(cache: Any, group_id: str, source: str) -> list[str]:
    """The names of a group's snapshots, without those of a neighbour; oldest first."""
    members = [f"{group_id}-{number:03}" for number in range(1, 10)]
    pages = cache.get_paginator("describe_snapshots").paginate(SnapshotSource=source)
    return [
        snapshot["SnapshotName"]
        for page in pages
        for snapshot in page["Snapshots"]
        if snapshot.get("CacheClusterId") in members
        or snapshot.get("ReplicationGroupId") == group_id
    ]


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
        wait_until(lambda: self._complete(name), seconds=_SNAPSHOT, what=f"snapshot {name}")
        return name

    def forget(self) -> int:
        """Remove every automatic snapshot; how many there were."""
        names = self.names("system")
        for name in names:
            self._cache.delete_snapshot(SnapshotName=name)
        return len(names)

    def names(self, source: str) -> list[str]:
        """The group's own snapshots; ``source`` is "system" or "user"."""
        return names_of(self._cache, self.group_id, source)

    def spoil(self, name: str) -> None:
        """Cut a snapshot's file off in its middle, so that no server loads it."""
        file, *_ = (self._rehearsal.folder / "nodes" / "snapshots" / name).glob("*.rdb")
        content = file.read_bytes()
        file.write_bytes(content[: len(content) // 2])

    @contextmanager
    def client(self) -> Iterator[Redis | RedisCluster]:
        """A client of the group's primary, or in cluster mode of all shards."""
        here = Deployed.of(self._rehearsal)
        if not self._in_shards:
            with here.connect() as client:
                yield client
            return
        host, port = here.published
        authority = str(here.authority)
        with RedisCluster(
            *(host, port),
            password=here.token,
            ssl=True,
            ssl_ca_certs=authority,
            decode_responses=True,
        ) as shards:
            yield shards

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
        pages = self._cache.get_paginator("describe_replication_groups").paginate()
        return {g["ReplicationGroupId"] for page in pages for g in page["ReplicationGroups"]}

    def _complete(self, name: str) -> bool | None:
        (found,) = self._cache.describe_snapshots(SnapshotName=name)["Snapshots"]
        done = found["SnapshotStatus"] == "available"
        return (done and described(self._rehearsal)["Status"] == "available") or None


_LONGEST = 600  # seconds of one execution here
_PASS = 120  # seconds of one invocation


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
        answer = schedules.fire(self._rehearsal.aws, f"{self.name}-monthly")
        return str(answer["executionArn"])

    def run(self) -> Execution:
        """Start it and wait for its end."""
        return self.end(self.start())

    def end(self, execution: str) -> Execution:
        """Wait until it has ended. TimeoutError if it does not."""
        found = wait_until(
            lambda: self._ended(execution), seconds=_LONGEST, what=f"the end of {execution}"
        )
        events = self._states.get_execution_history(executionArn=execution, maxResults=1000)
        document = json.loads(self._last_output(events["events"]))
        return Execution(found["status"], document, json.dumps(events, default=str), found["name"])

    def cancel(self, execution: str) -> None:
        """As a person does it in the console: nothing of the machine runs after it."""
        self._states.stop_execution(executionArn=execution)

    def keep(self) -> dict[str, Any]:
        """Have the sentinels kept, and return what the pass published."""
        return self._pass("keep", f"{self.name}-keeper")

    def watch(self) -> dict[str, Any]:
        """Have the watch make a pass, and return what it published."""
        return self._pass("watch", self.name)

    def warm(self) -> None:
        """Have the verifier called as it is every day."""
        schedules.fire(self._rehearsal.aws, f"{self.name}-warm")

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

    def _ended(self, execution: str) -> dict[str, Any] | None:
        found: dict[str, Any] = self._states.describe_execution(executionArn=execution)
        return None if found["status"] == "RUNNING" else found

    @staticmethod
    def _last_output(events: list[dict[str, Any]]) -> str:
        outputs = [
            event["stateExitedEventDetails"]["output"]
            for event in events
            if "stateExitedEventDetails" in event
        ]
        return str(outputs[-1])

    def _pass(self, schedule: str, function: str) -> dict[str, Any]:
        since = int(time.time() * 1000)
        schedules.fire(self._rehearsal.aws, f"{self.name}-{schedule}")
        return wait_until(
            lambda: said_by(self._rehearsal, function, since),
            seconds=_PASS,
            what=f"a pass of {function}",
        )
