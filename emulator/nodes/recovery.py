"""Recovery from the loss of a server process: failover, then a replacement without its data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.nodes import cluster
from emulator.nodes.config import CLUSTER_STATE
from emulator.nodes.node import Node
from emulator.nodes.shard import Shard

if TYPE_CHECKING:
    from emulator.nodes.group import Group

# The service's own words (botocore, TestFailover).
RECOVERING = "Recovering cache nodes 0001"
RECOVERED = "Finished recovery for cache nodes 0001"


def promote(group: Group, shard: Shard, node: Node) -> None:
    """Make a replica the primary at once, and move the addresses; the caller has the lock."""
    old = shard.primary
    shard.promote(node)
    group.endpoints.point(group.shards)
    message = f"Failover from primary node {old.name} to replica node {node.name} completed"
    group.report(node.name, message)


def recover(group: Group, shard: Shard) -> None:
    """Promote a replica if the primary is lost, then replace every node that has ended.

    Raises ServerFailedError if the primary is lost meanwhile: its own exit is reported next, and
    the recovery that follows finishes this one too. The caller has the group's lock.
    """
    best = shard.best_replica()
    if not shard.primary.alive and group.spec.automatic_failover and best is not None:
        promote(group, shard, best)
    group.endpoints.point(group.shards)
    for node in (shard.primary, *shard.replicas):
        if not node.alive:
            group.recovering.append(node.name)
            group.report(node.name, RECOVERING)
            _replace(group, shard, node)
    for replica in shard.replicas:
        replica.wait_in_sync(shard.primary)
    group.endpoints.point(group.shards)
    while group.recovering:
        group.report(group.recovering.pop(0), RECOVERED)


def _replace(group: Group, shard: Shard, node: Node) -> None:
    node.data_file.unlink(missing_ok=True)
    if node is shard.primary:
        group.launcher.start(group.spec, node, None)
        return
    nodes = [node for shard in group.shards for node in shard.nodes]
    if group.spec.cluster:
        # With its old identity it could claim its slots back, and it has lost their keys.
        (node.folder / CLUSTER_STATE).unlink(missing_ok=True)
        cluster.forget_address(node, nodes)
    group.launcher.start(group.spec, node, shard.primary)
    if group.spec.cluster:
        cluster.add(node, shard, len(nodes))
