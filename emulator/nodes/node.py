"""One member of a group with its server, and a shard: a primary and its replicas.

Failover, planned changes of roles, and RDB files.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from emulator.nodes.config import CONTROL_USER, Settings
from emulator.nodes.server import Server, ServerFailedError
from emulator.nodes.users import DEFAULT, User
from emulator.nodes.waiting import until

SYNC_SECONDS = 120.0
END_SECONDS = 5.0
FAILOVER_SECONDS = 60.0
SAVE_SECONDS = 120.0


@dataclass(eq=False)
class Node:
    """`at` is the address and port of the node itself; `folder` holds its data and its log."""

    name: str
    at: tuple[str, int]
    folder: Path
    _server: Server | None = None

    @property
    def server(self) -> Server:
        """The server process. Raises RuntimeError before the first start."""
        if self._server is None:
            raise RuntimeError(f"{self.name} has not been started")
        return self._server

    @property
    def data_file(self) -> Path:
        """Where the server loads its data from at start and saves it."""
        return self.folder / "dump.rdb"

    @property
    def alive(self) -> bool:
        """Whether its server process runs."""
        return self._server is not None and self._server.alive

    def start(self, settings: Settings, on_exit: Callable[[Server], None]) -> None:
        """Start the server on what the data file holds, in the place of the one before."""
        self.stop()
        self._server = Server(settings, on_exit)

    def stop(self) -> None:
        """End the server process if there is one."""
        if self._server is not None:
            self._server.stop()

    def owns(self, server: Server) -> bool:
        """Whether this process is the node's present one."""
        return self._server is server

    def set_users(self, users: Collection[User], ended: Iterable[str]) -> None:
        """Have these users and no others; connections of those who are gone or `ended` are closed.

        A server that ends meanwhile is no error: the next one is started with them.
        """
        try:
            for user in users:
                self.server.call("acl", "setuser", user.name, *user.rules())
            expected = {CONTROL_USER, DEFAULT, *(user.name for user in users)}
            for name in set(self.server.call("acl", "users")) - expected:
                self.server.call("acl", "deluser", name)
            for name in ended:
                self.server.call("client", "kill", "user", name)
        except (ConnectionError, RedisConnectionError):
            until(lambda: not self.alive, END_SECONDS, f"the server of {self.name} ended")

    def follow(self, primary: Node) -> None:
        """Replicate from another node from now on."""
        self.server.call("replicaof", *primary.at)

    def offset(self) -> int:
        """Bytes of its primary's stream that this replica has; -1 if it does not answer."""
        try:
            return int(self.server.info("replication").get("slave_repl_offset", 0))
        except (RedisError, OSError):
            return -1

    def wait_in_sync(self, primary: Node) -> None:
        """Wait until this replica is connected to its primary and has all of its data.

        Raises ServerFailedError as soon as the primary has ended.
        """

        def in_sync() -> bool:
            if not primary.alive:
                raise ServerFailedError(f"{primary.name} ended while {self.name} copied its data")
            return self.server.info("replication").get("master_link_status") == "up"

        until(in_sync, SYNC_SECONDS, f"{self.name} in sync with its primary")


@dataclass(eq=False)
class Shard:
    """`number` is AWS's node group id ("0001"); the first node starts as the primary.

    `slots` are the hash slots that it has in cluster mode, in their order.
    """

    number: str
    nodes: list[Node]
    cluster: bool
    primary: Node = field(init=False)
    slots: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """The first node is the primary."""
        self.primary = self.nodes[0]

    @property
    def replicas(self) -> list[Node]:
        """Every node but the primary."""
        return [node for node in self.nodes if node is not self.primary]

    @property
    def live_replicas(self) -> list[Node]:
        """The replicas whose process runs."""
        return [node for node in self.replicas if node.alive]

    def best_replica(self) -> Node | None:
        """The live replica that has most of the primary's stream; None if there is none."""
        return max(self.live_replicas, key=Node.offset, default=None)

    def promote(self, node: Node) -> None:
        """Make a replica the primary at once, as a failover does: unsent writes are lost."""
        if self.cluster:
            node.server.call("cluster", "failover", "takeover")
            until(lambda: _role(node) == "master", FAILOVER_SECONDS, f"{node.name} took over")
        else:
            node.server.call("replicaof", "no", "one")
        demoted, self.primary = self.primary, node
        for other in self.live_replicas:
            self._attach(other)
        if demoted.alive:
            demoted.wait_in_sync(node)

    def hand_over(self, node: Node) -> None:
        """Make a replica the primary without losing a write, as a planned change does.

        The others follow it with `settle`: by then its address can lead clients to it.
        """
        old = self.primary
        until(lambda: _online(old, node), FAILOVER_SECONDS, f"{node.name} online at its primary")
        if self.cluster:
            node.server.call("cluster", "failover")
        else:
            _change_places(old, node)
        until(lambda: _role(node) == "master", FAILOVER_SECONDS, f"{node.name} took over")
        until(lambda: _role(old) == "slave", FAILOVER_SECONDS, f"{old.name} stepped down")
        self.primary = node

    def settle(self, *, but: Node | None = None) -> None:
        """Make every other node follow the primary, and wait until it has the primary's data.

        `but` is one that is not waited for, because it is about to be restarted.
        """
        for other in self.live_replicas:
            self._attach(other)
        for other in self.live_replicas:
            if other is not but:
                other.wait_in_sync(self.primary)

    def _attach(self, replica: Node) -> None:
        if self.cluster:
            until(lambda: _role(replica) == "slave", FAILOVER_SECONDS, f"{replica.name} follows")
        else:
            replica.follow(self.primary)


def _change_places(old: Node, new: Node) -> None:
    # Redis' own FAILOVER lets both reconnect to each other, and now and then each waits for the
    # other's reply, in its event loop, for the 5 s that replication allows: no client is served.
    def has_all() -> bool:
        return new.offset() >= int(old.server.info("replication")["master_repl_offset"])

    old.server.call("client", "pause", int(FAILOVER_SECONDS * 1000), "write")
    try:
        until(has_all, FAILOVER_SECONDS, f"{new.name} has every write")
        new.server.call("replicaof", "no", "one")
        old.follow(new)
    finally:
        # Writes that waited meanwhile are refused by what is a replica now.
        old.server.call("client", "unpause")


def _online(primary: Node, replica: Node) -> bool:
    return any(
        (entry["ip"], entry["port"], entry["state"]) == (*replica.at, "online")
        for name, entry in primary.server.info("replication").items()
        if name.startswith("slave") and isinstance(entry, dict)
    )


def _role(node: Node) -> str:
    return str(node.server.info("replication")["role"])


def take_snapshot(shard: Shard, into: Path) -> Path:
    """Save a shard's data in the background and copy it to `into`/<shard number>.rdb.

    A replica saves where there is one, as ElastiCache spares the primary.
    """
    node = shard.best_replica() or shard.primary
    save(node)
    into.mkdir(parents=True, exist_ok=True)
    copy = into / f"{shard.number}.rdb"
    shutil.copyfile(node.data_file, copy)
    return copy


def save(node: Node) -> None:
    """Write the node's data to its data file now."""
    until(lambda: not _saving(node), SAVE_SECONDS, f"{node.name} free to save")
    node.data_file.unlink(missing_ok=True)
    node.server.call("bgsave")
    until(lambda: node.data_file.exists() and not _saving(node), SAVE_SECONDS, f"{node.name} saved")


def _saving(node: Node) -> bool:
    return bool(node.server.info("persistence")["rdb_bgsave_in_progress"])
