"""Snapshots as the service takes them daily, and what is done to the data and to them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from redis import Redis
from redis.cluster import RedisCluster

from emulator.aws.waiting import wait_until
from rehearsal.common.checks.endpoints import published
from rehearsal.common.checks.logins import token
from rehearsal.common.checks.replication_group import described
from rehearsal.common.rehearsal import Rehearsal

_LONGEST = 120  # seconds of one snapshot
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
        wait_until(lambda: self._complete(name), seconds=_LONGEST, what=f"snapshot {name}")
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
        host, port = published(self._rehearsal)
        kind = RedisCluster if self._in_shards else Redis
        with kind(
            host=host,
            port=port,
            password=token(self._rehearsal),
            ssl=True,
            ssl_ca_certs=str(self._rehearsal.authority),
            decode_responses=True,
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
        pages = self._cache.get_paginator("describe_replication_groups").paginate()
        return {g["ReplicationGroupId"] for page in pages for g in page["ReplicationGroups"]}

    def _complete(self, name: str) -> bool | None:
        (found,) = self._cache.describe_snapshots(SnapshotName=name)["Snapshots"]
        done = found["SnapshotStatus"] == "available"
        return (done and described(self._rehearsal)["Status"] == "available") or None
