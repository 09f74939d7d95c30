"""Keys as the script leaves them, written without asking it: so many full users take seconds."""

from __future__ import annotations

import struct
from collections.abc import Iterable

from benchmarks.limiter.server import Server
from vibewell_redis import RateLimitItem
from vibewell_redis.keys import PREFIX, stem, tail

_CALLS = 1000  # keys that one round trip writes


def write(
    server: Server, item: RateLimitItem, kind: str, values: Iterable[str], requests: int
) -> int:
    """Give each of these identifiers so many admitted requests, spread over the window until now.

    How many they are.
    """
    seconds, micros = server.process.control.time()
    now = seconds * 1_000_000 + micros
    apart = item.seconds * 1_000_000 // (requests + 2)
    times = [(now - apart * back) % 2**32 for back in range(requests, 0, -1)]
    log = struct.pack(f">{requests}I", *times)
    begin = stem(PREFIX, item, kind).encode()
    keys = [begin + tail(value) for value in values]
    for first in range(0, len(keys), _CALLS):
        pipeline = server.process.control.pipeline(transaction=False)
        for key in keys[first : first + _CALLS]:
            pipeline.set(key, log, px=item.seconds * 1000)
        pipeline.execute()
    return len(keys)
