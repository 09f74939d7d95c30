"""The nodes of the load test, and who of them is what."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from emulator.bare_nodes import Nodes
from emulator.nodes.node import Node

_PATIENCE = 10.0  # seconds


@dataclass(frozen=True)
class Stage:
    """A rehearsal's nodes, and a folder for what the run writes down."""

    given: Nodes
    folder: Path

    @property
    def nodes(self) -> list[Node]:
        """All of them, in the order of their names."""
        return self.given.group.shards[0].nodes

    @property
    def primary(self) -> Node:
        """The one that is it now."""
        return self.given.group.shards[0].primary

    def connect(self, node: Node, patience: float = _PATIENCE) -> Redis:
        """A client of one node, at its own address, that tries nothing twice; replies are bytes."""
        host, port = node.at
        return Redis(
            host=host,
            port=port,
            password=self.given.token,
            ssl=True,
            ssl_ca_certs=str(self.given.ca_file),
            socket_timeout=patience,
            socket_connect_timeout=patience,
            retry=Retry(NoBackoff(), 0),
        )

    def role(self, node: Node) -> str | None:
        """Whether it is "primary" or "replica"; None for one that is gone, or not in step."""
        if not node.alive:
            return None
        link = node.server.info("replication").get("master_link_status", "up")
        if link != "up":
            return None
        return "primary" if node is self.primary else "replica"
