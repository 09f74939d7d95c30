"""Metrics of the nodes for the namespace AWS/ElastiCache, read from their INFO.

Sources: ElastiCache user guide, "Metrics for Valkey and Redis OSS" and "Host-level metrics".
Counters are published as their difference to the last reading, as AWS does each minute.
"""

import time
from collections.abc import Iterator
from typing import Any, NamedTuple

from redis.exceptions import RedisError

from emulator.elasticache.state import ReplicationGroup, State
from emulator.nodes.node import Node


class Datum(NamedTuple):
    """One value of one member."""

    member: str
    name: str
    value: float


COUNTERS = {  # metric: field of INFO
    "CacheHits": "keyspace_hits",
    "CacheMisses": "keyspace_misses",
    "NewConnections": "total_connections_received",
    "Evictions": "evicted_keys",
    "NetworkBytesIn": "total_net_input_bytes",
    "NetworkBytesOut": "total_net_output_bytes",
}
# Replies by kind, which 6.2 and later count: a refused login, a refused command.
ERRORS = {
    "AuthenticationFailures": "errorstat_WRONGPASS",
    "CommandAuthorizationFailures": "errorstat_NOPERM",
}
NEVER_HERE = (  # what one machine's loopback never does
    *("SwapUsage", "NetworkBandwidthInAllowanceExceeded", "NetworkBandwidthOutAllowanceExceeded"),
)
FULL_CREDITS = 576.0


class Metrics:
    """Remembers each node's last reading, and when each replica was last in step."""

    def __init__(self, state: State) -> None:
        self._state = state
        # By node and process: a restart makes all counters start again.
        self._last: dict[tuple[str, int], dict[str, float]] = {}
        self._in_step: dict[str, float] = {}

    def read(self) -> list[Datum]:
        """The present values of all nodes that answer; a node that does not publishes nothing."""
        with self._state.lock:
            groups = [group for group in self._state.groups.values() if group.nodes]
        return [datum for group in groups for datum in self._group(group)]

    def _group(self, group: ReplicationGroup) -> Iterator[Datum]:
        for shard in group.running.shards:
            # The primary first: a replica that has this much was in step at this moment.
            reached = (_info(shard.primary) or {}).get("master_repl_offset")
            for node in list(shard.nodes):
                info = _info(node)
                if info is None:
                    continue
                for name, value in self._node(group, node, info, reached):
                    yield Datum(node.name, name, value)

    def _node(
        self, group: ReplicationGroup, node: Node, info: dict[str, Any], reached: int | None
    ) -> Iterator[tuple[str, float]]:
        now = _counters(info)
        fresh = dict.fromkeys(now, 0.0) | {"when": now["when"]}
        process = (node.name, node.server.pid)
        before = self._last.get(process, fresh)
        self._last[process] = now
        delta = {name: now[name] - before[name] for name in now}
        used, limit = float(info["used_memory"]), float(info["maxmemory"])
        yield "DatabaseMemoryUsagePercentage", 100 * used / limit
        yield "BytesUsedForCache", used
        yield "FreeableMemory", max(0.0, limit - used)
        yield "CurrConnections", float(info["connected_clients"])
        keys = sum(database["keys"] for name, database in info.items() if name.startswith("db"))
        yield "CurrItems", float(keys)
        yield "SaveInProgress", float(info["rdb_bgsave_in_progress"])
        if group.node_type.name.startswith("cache.t"):
            yield "CPUCreditBalance", FULL_CREDITS
        busy, elapsed = delta.pop("cpu"), delta.pop("when")
        engine = min(100.0, 100 * busy / elapsed) if elapsed else 0.0
        yield "EngineCPUUtilization", engine
        yield "CPUUtilization", engine / group.node_type.cpus
        hits, misses = delta["CacheHits"], delta["CacheMisses"]
        if hits + misses > 0:
            yield "CacheHitRate", 100 * hits / (hits + misses)
        yield from delta.items()
        yield from dict.fromkeys(NEVER_HERE, 0.0).items()
        yield from self._lag(node, info, reached, now["when"])

    def _lag(
        self, node: Node, info: dict[str, Any], reached: int | None, now: float
    ) -> Iterator[tuple[str, float]]:
        if info["role"] != "slave":
            return
        linked = info["master_link_status"] == "up"
        if linked and (reached is None or int(info["slave_repl_offset"]) >= reached):
            self._in_step[node.name] = now
        yield "ReplicationLag", now - self._in_step.setdefault(node.name, now)


def _info(node: Node) -> dict[str, Any] | None:
    try:
        return node.server.info("everything")
    except (RedisError, OSError):
        return None


def _counters(info: dict[str, Any]) -> dict[str, float]:
    counters = {name: float(info[field]) for name, field in COUNTERS.items()}
    for name, field in ERRORS.items():
        counters[name] = float(info.get(field, {}).get("count", 0))
    counters["cpu"] = float(info["used_cpu_user"]) + float(info["used_cpu_sys"])
    return counters | {"when": time.monotonic()}
