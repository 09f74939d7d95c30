"""Slots and their keys move to new shards while the group serves, as Redis itself moves them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from emulator.nodes.cluster import identity, slot_ranges
from emulator.nodes.config import CONTROL_USER
from emulator.nodes.shard import Shard
from emulator.nodes.waiting import until

# Slots that move together: a slot that is on its way refuses what it has in part only.
AT_A_TIME = 64
KEYS_A_CALL = 100
MOVE_MILLISECONDS = 10_000
KNOWN_SECONDS = 120.0

Move = tuple[Shard, Shard, list[int]]


def spread(shards: Sequence[Shard]) -> None:
    """Even the slots out: every shard that has too many gives its last ones to those with too few.

    Which slots ElastiCache moves, and in which order, is unverified.
    """
    for source, target, slots in moves(shards):
        for start in range(0, len(slots), AT_A_TIME):
            _move(source, target, slots[start : start + AT_A_TIME], shards)
    until(lambda: _agreed(shards), KNOWN_SECONDS, "every node knows where the slots are now")


def moves(shards: Sequence[Shard]) -> list[Move]:
    """What has to move so that the shards hold as many slots as a new group's would."""
    sizes = [last - first + 1 for first, last in slot_ranges(len(shards))]
    spare = {
        shard.number: list(shard.slots[size:]) for shard, size in zip(shards, sizes, strict=True)
    }
    found: list[Move] = []
    for target, size in zip(shards, sizes, strict=True):
        missing = size - len(target.slots)
        for source in shards:
            if missing > 0 and spare[source.number]:
                taken = spare[source.number][:missing]
                spare[source.number] = spare[source.number][missing:]
                missing -= len(taken)
                found.append((source, target, taken))
    return found


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
