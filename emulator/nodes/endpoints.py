"""The addresses of a group that never change, and which nodes they lead to."""

from __future__ import annotations

from emulator.nodes.context import Ground
from emulator.nodes.shard import Shard


class Endpoints:
    """Primary and reader address without cluster mode, the configuration address with it."""

    def __init__(self, ground: Ground, port: int, cluster: bool) -> None:
        self._forwarder = ground.forwarder
        self._port = port
        self._cluster = cluster
        self.primary = ground.addresses.take()
        self.reader = ground.addresses.take()
        self.configuration = ground.addresses.take()

    @property
    def names(self) -> list[str]:
        """The addresses in use, which the nodes' certificates must carry."""
        return [self.configuration] if self._cluster else [self.primary, self.reader]

    def point(self, shards: list[Shard]) -> None:
        """Lead new connections to the nodes that have the roles now; open ones stay."""
        if self._cluster:
            # One that is being replaced knows of no slots until it has joined.
            nodes = [node for shard in shards for node in shard.nodes]
            serving = [node for node in nodes if node.alive] or nodes
            self._forwarder.point((self.configuration, self._port), [node.at for node in serving])
            return
        (shard,) = shards
        self._forwarder.point((self.primary, self._port), [shard.primary.at])
        # Unverified: where AWS's reader endpoint leads without a replica.
        readers = shard.live_replicas or [shard.primary]
        self._forwarder.point((self.reader, self._port), [node.at for node in readers])

    def close(self) -> None:
        """Stop listening and cut what is connected."""
        for name in self.names:
            self._forwarder.close((name, self._port))
