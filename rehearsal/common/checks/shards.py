"""The shards of a group in cluster mode, as its nodes tell a client."""

from dataclasses import dataclass

from redis.crc import key_slot

from emulator.resp import Redis
from rehearsal.common.checks.endpoints import Endpoint, published
from rehearsal.common.rehearsal import Rehearsal


@dataclass(frozen=True)
class Shard:
    """Where its nodes are, and the slots that it has."""

    primary: Endpoint
    replicas: tuple[Endpoint, ...]
    slots: frozenset[int]

    def key(self, stem: str) -> str:
        """A key that begins with `stem` and lies here."""
        number = 0
        while key_slot(f"{stem}:{number}".encode()) not in self.slots:
            number += 1
        return f"{stem}:{number}"


def shards_of(rehearsal: Rehearsal, token: str) -> list[Shard]:
    """All of them, in the order of their first slots; `token` opens them."""
    with Redis(*published(rehearsal), rehearsal.authority) as redis:
        redis("AUTH", token)
        ranges = redis("CLUSTER", "SLOTS")
    slots: dict[Endpoint, set[int]] = {}
    replicas: dict[Endpoint, tuple[Endpoint, ...]] = {}
    for first, last, primary, *others in sorted(ranges):
        at = (primary[0], primary[1])
        slots.setdefault(at, set()).update(range(first, last + 1))
        replicas[at] = tuple((other[0], other[1]) for other in others)
    return [Shard(at, replicas[at], frozenset(held)) for at, held in slots.items()]
