"""What a node holds of every limit: the times of the requests that it has admitted.

The limiter keeps them four bytes each, microseconds of the server's wall clock modulo 2^32, under
`{rl}:<tier>:<kind>:<value>`. All nodes and all who measure run on one machine: one clock.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass

from redis import Redis

from rehearsal.load.answer import Key

_PATTERN = "{rl}:*"
_CYCLE = 1 << 32
_AT_ONCE = 500  # keys


@dataclass(frozen=True)
class Holding:
    """By key the times of what was admitted, as read between `begun` and `read`."""

    begun: float
    read: float
    times: dict[Key, list[float]]


def held(node: Redis, begin: float) -> Holding:
    """Everything that this node holds; times are seconds since `begin` of the monotonic clock.

    `node` must not decode replies. Raises RedisError.
    """
    begun = time.monotonic() - begin
    wall = time.time()
    shift = wall - begun
    found: dict[Key, list[float]] = {}
    for names in _batches(node):
        for name, log in zip(names, node.mget(names), strict=True):
            key = _key(name)
            if key is not None and isinstance(log, bytes) and len(log) % 4 == 0:
                stamps = struct.unpack(f">{len(log) // 4}I", log)
                found[key] = [_seconds(stamp, wall) - shift for stamp in stamps]
    return Holding(begun, time.monotonic() - begin, found)


def _batches(node: Redis) -> Iterator[list[bytes]]:
    names: list[bytes] = []
    for name in node.scan_iter(match=_PATTERN, count=_AT_ONCE):
        names.append(name)
        if len(names) == _AT_ONCE:
            yield names
            names = []
    if names:
        yield names


def _key(name: bytes) -> Key | None:
    parts = name.decode().split(":", 3)
    return Key(*parts[1:]) if len(parts) == 4 else None


def _seconds(stamp: int, wall: float) -> float:
    now = int(wall * 1_000_000)
    behind = (now - stamp) % _CYCLE
    # What was admitted after the reading began lies a little ahead.
    if behind > _CYCLE // 2:
        behind -= _CYCLE
    return (now - behind) / 1_000_000
