"""One primary and its replicas: failover, planned changes of roles, and RDB files."""

import shutil
from dataclasses import dataclass, field
from pathlib import Path

from emulator.nodes.node import Node
from emulator.nodes.waiting import until

FAILOVER_SECONDS = 60.0
SAVE_SECONDS = 120.0


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
