"""Cluster mode: which shard has which slots, how nodes meet, and how keys move to new shards."""

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import Any

from emulator.nodes.config import CONTROL_USER
from emulator.nodes.node import Node, Shard
from emulator.nodes.waiting import until

SLOTS = 16384
JOIN_SECONDS = 120.0
# Slots that move together: a slot that is on its way refuses what it has in part only.
AT_A_TIME = 64
KEYS_A_CALL = 100
MOVE_MILLISECONDS = 10_000

Move = tuple[Shard, Shard, list[int]]


def slot_ranges(shards: int) -> list[range]:
    """The slots of each shard, spread as evenly as AWS does by default."""
    edges = [number * SLOTS // shards for number in range(shards + 1)]
    return [range(first, after) for first, after in pairwise(edges)]


def form(shards: list[Shard], slots: Sequence[tuple[int, ...]] = ()) -> None:
    """Join started nodes into one cluster: slots to the primaries, replicas behind them.

    `slots` are those of each shard, spread evenly if left out.
    """
    even = map(tuple, slot_ranges(len(shards)))
    for epoch, (shard, assigned) in enumerate(zip(shards, slots or even, strict=True), start=1):
        shard.slots = assigned
        # Of equal ones the nodes would make different ones, at a moment of their own choice.
        shard.primary.server.call("cluster set-config-epoch", epoch)
        _add_slots(shard.primary, assigned)
    nodes = [node for shard in shards for node in shard.nodes]
    _bring_together(shards, nodes[1:], nodes)
    _wait_ok(nodes[0])


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
    _bring_together([shard], shard.nodes, [*running, *shard.nodes])


def _bring_together(shards: list[Shard], new: list[Node], nodes: list[Node]) -> None:
    """Have all nodes know the new ones, and the replicas of these shards follow their primary."""
    for node in new:
        _meet(nodes[0], node)
    for node in nodes:
        _wait_known(node, len(nodes))
    for shard in shards:
        for replica in shard.replicas:
            replicate(replica, shard.primary)
    for node in new:
        _wait_ok(node)


def forget(gone: Node, nodes: list[Node]) -> None:
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
    assigned = _owners(node.server.call("cluster slots"))
    node.server.call("cluster", "addslots", *(slot for slot in slots if slot not in assigned))


def _meet(node: Node, other: Node) -> None:
    node.server.call("cluster", "meet", *other.at)


def _info(node: Node) -> dict[str, str]:
    answer: dict[str, str] = node.server.call("cluster info")
    return answer


def _wait_known(node: Node, count: int) -> None:
    def known() -> bool:
        handshakes = any("handshake" in entry["flags"] for entry in _others(node))
        return int(_info(node)["cluster_known_nodes"]) == count and not handshakes

    until(known, JOIN_SECONDS, f"{node.name} knows all nodes of the cluster")


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


def spread(shards: Sequence[Shard]) -> None:
    """Even the slots out: every shard that has too many gives its last ones to those with too few.

    Which slots ElastiCache moves, and in which order, is unverified.
    """
    for source, target, slots in moves(shards):
        for start in range(0, len(slots), AT_A_TIME):
            _move(source, target, slots[start : start + AT_A_TIME], shards)
    until(lambda: _agreed(shards), JOIN_SECONDS, "every node knows where the slots are now")


def moves(shards: Sequence[Shard]) -> list[Move]:
    """The moves after which the shards have as many slots as a new group's."""
    sizes = [len(slots) for slots in slot_ranges(len(shards))]
    spare = {
        shard.number: list(shard.slots[size:]) for shard, size in zip(shards, sizes, strict=True)
    }
    planned: list[Move] = []
    for target, size in zip(shards, sizes, strict=True):
        missing = size - len(target.slots)
        for source in shards:
            if missing > 0 and spare[source.number]:
                taken = spare[source.number][:missing]
                spare[source.number] = spare[source.number][missing:]
                missing -= len(taken)
                planned.append((source, target, taken))
    return planned


def _move(source: Shard, target: Shard, slots: list[int], shards: Sequence[Shard]) -> None:
    gives, takes = identity(source.primary), identity(target.primary)
    # In this order: who is sent to the target must be let in there.
    _set(target, slots, "importing", gives)
    _set(source, slots, "migrating", takes)
    for slot in slots:
        _move_keys(source, target, slot)
    # The target first: of two owners the one with the newer epoch is believed.
    others = [shard for shard in shards if shard not in (source, target)]
    for shard in (target, source, *others):
        _set(shard, slots, "node", takes)
    moved = set(slots)
    source.slots = tuple(slot for slot in source.slots if slot not in moved)
    target.slots = tuple(sorted((*target.slots, *slots)))


def _set(shard: Shard, slots: list[int], state: str, node_id: str) -> None:
    pipeline = shard.primary.server.control.pipeline(transaction=False)
    for slot in slots:
        pipeline.execute_command("cluster setslot", slot, state, node_id)  # type: ignore[no-untyped-call]
    pipeline.execute()


def _move_keys(source: Shard, target: Shard, slot: int) -> None:
    server, (host, port) = source.primary.server, target.primary.at
    password = server.settings.control.password
    while keys := server.call("cluster getkeysinslot", slot, KEYS_A_CALL):
        login = ("auth2", CONTROL_USER, password)
        server.call("migrate", host, port, "", 0, MOVE_MILLISECONDS, *login, "keys", *keys)


def _agreed(shards: Sequence[Shard]) -> bool:
    wanted = {slot: shard.primary.at for shard in shards for slot in shard.slots}
    return all(
        _owners(node.server.call("cluster slots")) == wanted
        for shard in shards
        for node in shard.nodes
    )


def _owners(answer: Sequence[Sequence[Any]]) -> dict[int, tuple[str, int]]:
    return {
        slot: (primary[0], primary[1])
        for first, last, primary, *_ in answer
        for slot in range(first, last + 1)
    }
