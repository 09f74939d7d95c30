"""What happens when a server process is lost: failover, then a replacement without its data."""

from collections.abc import Callable

from emulator.nodes import cluster
from emulator.nodes.config import CLUSTER_STATE
from emulator.nodes.launcher import Endpoints, Launcher
from emulator.nodes.node import Node
from emulator.nodes.shard import Shard
from emulator.nodes.spec import GroupSpec

# The service's own words (botocore, TestFailover).
RECOVERING = "Recovering cache nodes 0001"
RECOVERED = "Finished recovery for cache nodes 0001"


class Recovery:
    """Restores a group's shards; the caller holds the group's lock. `report(member, message)`."""

    def __init__(
        self, launcher: Launcher, endpoints: Endpoints, report: Callable[[str, str], None]
    ) -> None:
        self._launcher = launcher
        self._endpoints = endpoints
        self._report = report
        self._under_way: list[str] = []

    def promote(self, shards: list[Shard], shard: Shard, node: Node) -> None:
        """Make a replica the primary at once, move the addresses and tell of it."""
        old = shard.primary
        shard.promote(node)
        self._endpoints.point(shards)
        message = f"Failover from primary node {old.name} to replica node {node.name} completed"
        self._report(node.name, message)

    def recover(self, spec: GroupSpec, shards: list[Shard], shard: Shard) -> None:
        """Promote a replica if the primary is lost, then replace every node that has ended.

        Raises ServerFailedError if the primary is lost meanwhile: its own exit is reported next,
        and the recovery that follows finishes this one too.
        """
        best = shard.best_replica()
        if not shard.primary.alive and spec.automatic_failover and best is not None:
            self.promote(shards, shard, best)
        self._endpoints.point(shards)
        for node in (shard.primary, *shard.replicas):
            if not node.alive:
                self._under_way.append(node.name)
                self._report(node.name, RECOVERING)
                self._replace(spec, shards, shard, node)
        for replica in shard.replicas:
            replica.wait_in_sync(shard.primary)
        self._endpoints.point(shards)
        while self._under_way:
            self._report(self._under_way.pop(0), RECOVERED)

    def _replace(self, spec: GroupSpec, shards: list[Shard], shard: Shard, node: Node) -> None:
        node.data_file.unlink(missing_ok=True)
        if node is shard.primary:
            self._launcher.start(spec, node, None)
            return
        everyone = [node for shard in shards for node in shard.nodes]
        if spec.cluster:
            # With its old identity it could claim its slots back, and it has lost their keys.
            (node.folder / CLUSTER_STATE).unlink(missing_ok=True)
            cluster.forget_address(node, everyone)
        self._launcher.start(spec, node, shard.primary)
        if spec.cluster:
            cluster.add(node, shard, len(everyone))
