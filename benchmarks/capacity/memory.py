"""Bytes of one identity at its limit, in each tier."""

import asyncio
import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.capacity.logs import write
from benchmarks.limiter.server import Server
from benchmarks.limiter.worker import MeasuredError
from emulator.bare_nodes import LIMITS
from vibewell_redis import RateLimitItem, Settings, tls
from vibewell_redis.asyncio import RateLimiter
from vibewell_redis.keys import PREFIX, stem, tail

# One more than a table of the server holds, so that it has just doubled: the dearest moment.
KEYS = 4097
USER = str(uuid.UUID(int=0))  # an id of the longest common kind
ADDRESS = "203.0.113.255"

_SENT_MILLISECONDS = 5000


@dataclass(frozen=True)
class Identity:
    """Bytes by MEMORY USAGE of the key, and of all for each of many: tables and expiry too."""

    key: float
    all: float


def settings_for(server: Server) -> Settings:
    """The plan's limits on this server."""
    return Settings.from_environment(
        {
            "REDIS_ENABLED": "true",
            "REDIS_URL": f"rediss://{server.host}:{server.port}",
            "REDIS_PASSWORD": server.token,
            "REDIS_TLS": "true",
            "REDIS_TIMEOUT": "5000",
            "REDIS_MAX_RECONNECT_ATTEMPTS": "10",
            **LIMITS,
        }
    )


def measure(server: Server) -> Mapping[tuple[str, str], Identity]:
    """By tier and kind of identifier. Raises MeasuredError if a key is not what it should be."""
    os.environ["SSL_CERT_FILE"] = str(server.ca_file)
    tls.trust.cache_clear()
    settings = settings_for(server)
    found = {}
    for tier, item in settings.tiers.items():
        asyncio.run(_fill(settings, tier))
        values = {"user": USER, "ip": ADDRESS}
        made = {kind: _usage(server, item, kind, value) for kind, value in values.items()}
        for kind, value in values.items():
            server.empty()
            others = [f"{value[:-5]}{number:05}" for number in range(KEYS)]
            found[tier, kind] = Identity(made[kind], _growth(server, item, kind, others))
            if _usage(server, item, kind, others[0]) != made[kind]:
                raise MeasuredError(f"{tier}: a key that was written is not like the limiter's")
        server.empty()
    return found


async def _fill(settings: Settings, tier: str) -> None:
    limiter = RateLimiter.from_settings(settings, deadline=30.0)
    requests = settings.tiers[tier].requests
    try:
        admitted = [bool(await limiter.hit(tier, user=USER, ip=ADDRESS)) for _ in range(requests)]
    finally:
        await limiter.aclose()
    if not all(admitted):
        raise MeasuredError(f"{tier}: only {sum(admitted)} of {requests} requests were admitted")


def _usage(server: Server, item: RateLimitItem, kind: str, value: str) -> int:
    key = stem(PREFIX, item, kind).encode() + tail(value)
    length = server.process.call("strlen", key.decode())
    if length != 4 * item.requests:
        raise MeasuredError(f"{item.name}: a full key has {length} bytes, not 4 a request")
    return int(server.process.call("memory usage", key.decode(), "samples", 0))


def _growth(server: Server, item: RateLimitItem, kind: str, values: list[str]) -> float:
    before = _used(server)
    written = write(server, item, kind, values, item.requests)
    return (_used(server) - before) / written


def _used(server: Server) -> int:
    """Bytes of data: without what connections and the replicas' backlog hold."""
    # What still waits to be sent to a replica would count as data.
    server.process.call("wait", len(server.replicas), _SENT_MILLISECONDS)
    return int(server.process.info("memory")["used_memory_dataset"]) + _tables(server)


def _tables(server: Server) -> int:
    stats = server.process.control.memory_stats()
    return sum(
        int(stats[name][part])
        for name in stats
        if name.startswith("db.")
        for part in ("overhead.hashtable.main", "overhead.hashtable.expires")
    )
