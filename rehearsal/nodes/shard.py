"""One primary and its replicas, and who takes over from whom."""

from __future__ import annotations

from dataclasses import dataclass, field

from rehearsal.nodes.node import Node
from rehearsal.nodes.waiting import until

FAILOVER_SECONDS = 15.0


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
        """Make a replica the primary without losing a write, as a planned change does."""
        old = self.primary
        until(lambda: _online(old, node), FAILOVER_SECONDS, f"{node.name} online at its primary")
        if self.cluster:
            node.server.call("cluster", "failover")
        else:
            milliseconds = int(FAILOVER_SECONDS * 1000)
            old.server.call("failover", "to", *node.at, "timeout", milliseconds)
        until(lambda: _role(node) == "master", FAILOVER_SECONDS, f"{node.name} took over")
        until(lambda: _role(old) == "slave", FAILOVER_SECONDS, f"{old.name} stepped down")
        self.primary = node
        for other in self.live_replicas:
            self._attach(other)
            other.wait_in_sync(node)

    def _attach(self, replica: Node) -> None:
        if self.cluster:
            until(lambda: _role(replica) == "slave", FAILOVER_SECONDS, f"{replica.name} follows")
        else:
            replica.follow(self.primary)


def _online(primary: Node, replica: Node) -> bool:
    return any(
        (entry["ip"], entry["port"], entry["state"]) == (*replica.at, "online")
        for name, entry in primary.server.info("replication").items()
        if name.startswith("slave") and isinstance(entry, dict)
    )


def _role(node: Node) -> str:
    return str(node.server.info("replication")["role"])
