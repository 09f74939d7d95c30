"""Prefixes of limiters, chosen by where their slots lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from redis.crc import key_slot

from rehearsal.common.checks.logins import token
from rehearsal.common.checks.shards import Shard, shards_of
from rehearsal.common.rehearsal import Rehearsal
from vibewell_redis.keys import PREFIX, trial


def shards(rehearsal: Rehearsal) -> list[Shard]:
    """The shards as they are now."""
    return shards_of(rehearsal, token(rehearsal))


def home(prefix: str, found: Sequence[Shard]) -> int:
    """The number of the shard that has all keys of this prefix."""
    slot = key_slot(trial(prefix))
    return next(number for number, shard in enumerate(found) if slot in shard.slots)


def on_every_shard(found: Sequence[Shard]) -> Mapping[str, int]:
    """The prefix that a limiter has by itself, and two more on each shard, with their shards.

    Of a shard's two, one lies among its first slots and one among its last: when slots move to a
    new shard, they do not both go.
    """
    chosen = {PREFIX: home(PREFIX, found)}
    for number, shard in enumerate(found):
        ordered = sorted(shard.slots)
        for part in (ordered[: len(ordered) // 2], ordered[-len(ordered) // 8 :]):
            chosen[_in(frozenset(part))] = number
    return chosen


def _in(slots: frozenset[int]) -> str:
    number = 0
    while key_slot(f"app{number}".encode()) not in slots:
        number += 1
    return f"app{number}"
