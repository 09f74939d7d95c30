"""Cluster mode: which shard has which hash slots, and how the nodes come to know each other."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import Any

from emulator.nodes.node import Node
from emulator.nodes.shard import Shard
from emulator.nodes.waiting import until

SLOTS = 16384
JOIN_SECONDS = 120.0


def slot_ranges(shards: int) -> list[tuple[int, int]]:
    """The first and last slot of each shard, spread as evenly as AWS does by default."""
    edges = [number * SLOTS // shards for number in range(shards + 1)]
    return [(first, after - 1) for first, after in pairwise(edges)]


def form(shards: list[Shard], slots: Sequence[tuple[int, ...]] = ()) -> None:
    """Join started nodes into one cluster: slots to the primaries, replicas behind them.

    `slots` are those of each shard, spread evenly if left out.
    """
    even = [tuple(range(first, last + 1)) for first, last in slot_ranges(len(shards))]
    for epoch, (shard, held) in enumerate(zip(shards, slots or even, strict=True), start=1):
        shard.slots = held
        # Of equal ones the nodes would make different ones, at a moment of their own choice.
        shard.primary.server.call("cluster set-config-epoch", epoch)
        _add_slots(shard.primary, held)
    first, *others = [node for shard in shards for node in shard.nodes]
    for node in others:
        _meet(first, node)
    everyone = [first, *others]
    for node in everyone:
        _wait_known(node, len(everyone))
    for shard in shards:
        for replica in shard.replicas:
            replicate(replica, shard.primary)
    for node in everyone:
        _wait_ok(node)


def add(replica: Node, shard: Shard, known: int) -> None:
    """Bring a started node into the cluster as a replica; `known` counts all nodes with it."""
    _meet(shard.primary, replica)
    _wait_known(replica, known)
    replicate(replica, shard.primary)
    _wait_ok(replica)


def join(shard: Shard, shards: list[Shard]) -> None:
    """Bring the started nodes of a new shard, which has no slots yet, into a running cluster."""
    running = [node for other in shards for node in other.nodes]
    latest = max(int(_info(node)["cluster_current_epoch"]) for node in running)
    shard.primary.server.call("cluster set-config-epoch", latest + 1)
    everyone = [*running, *shard.nodes]
    for node in shard.nodes:
        _meet(shards[0].primary, node)
    for node in everyone:
        _wait_known(node, len(everyone))
    for replica in shard.replicas:
        replicate(replica, shard.primary)
    for node in shard.nodes:
        _wait_ok(node)


def forget(node_id: str, nodes: list[Node]) -> None:
    """Take a node that has ended out of what the others know."""
    for node in nodes:
        node.server.call("cluster", "forget", node_id)


def forget_address(gone: Node, nodes: list[Node]) -> None:
    """Take a node whose process has ended out of what the others know, by its address."""
    address = f"{gone.at[0]}:{gone.at[1]}"
    for node in nodes:
        if node.alive:
            known = _view(node)
            if address in known:
                node.server.call("cluster", "forget", known[address]["node_id"])


def wait_linked(nodes: list[Node]) -> None:
    """Wait until every node has a link to every other: votes in a failover are sent only once."""
    for node in nodes:
        until(partial(_linked, node), JOIN_SECONDS, f"{node.name} linked to the whole cluster")


def identity(node: Node) -> str:
    """The node's id in the cluster."""
    return str(node.server.call("cluster", "myid"))


def replicate(replica: Node, primary: Node) -> None:
    """Make a node that knows its primary a replica of it, and wait for its data."""
    replica.server.call("cluster", "replicate", identity(primary))
    replica.wait_in_sync(primary)


def _add_slots(node: Node, slots: tuple[int, ...]) -> None:
    # A primary that was restored from a snapshot has taken the slots of its keys already.
    held = _own_slots(node)
    missing = [slot for slot in slots if slot not in held]
    node.server.call("cluster", "addslots", *missing)


def _own_slots(node: Node) -> set[int]:
    slots = node.server.call("cluster slots")
    return {slot for first, last, *_ in slots for slot in range(int(first), int(last) + 1)}


def _meet(node: Node, other: Node) -> None:
    node.server.call("cluster", "meet", *other.at)


def _info(node: Node) -> dict[str, str]:
    answer: dict[str, str] = node.server.call("cluster info")
    return answer


def _wait_known(node: Node, count: int) -> None:
    def known() -> bool:
        return int(_info(node)["cluster_known_nodes"]) == count and not _handshakes(node)

    until(known, JOIN_SECONDS, f"{node.name} knows all nodes of the cluster")


def _handshakes(node: Node) -> bool:
    return any("handshake" in entry["flags"] for entry in _others(node))


def _linked(node: Node) -> bool:
    return all(
        entry["connected"] and not {"fail", "fail?"} & set(entry["flags"].split(","))
        for entry in _others(node)
    )


def _others(node: Node) -> list[dict[str, Any]]:
    return [entry for entry in _view(node).values() if "myself" not in entry["flags"]]


def _view(node: Node) -> dict[str, dict[str, Any]]:
    nodes: dict[str, dict[str, Any]] = node.server.call("cluster nodes")
    return nodes


def _wait_ok(node: Node) -> None:
    until(
        lambda: _info(node)["cluster_state"] == "ok", JOIN_SECONDS, f"{node.name} serves all slots"
    )
