"""A parameter group's values as directives of the server.

Parameters that ElastiCache adds to the engine's own have no directive: each is listed with what
becomes of it here. Source of the list: ElastiCache user guide, "Engine specific parameters".
"""

from __future__ import annotations

from collections.abc import Mapping

IGNORED = {
    "reserved-memory": "turned into maxmemory when the memory of the node is known",
    "reserved-memory-percent": "turned into maxmemory when the memory of the node is known",
    "cluster-enabled": "follows from the group's topology",
    "cluster-allow-replica-migration": "a shard keeps its replicas: nothing migrates here",
    "close-on-replica-write": "ElastiCache's own: the rehearsal's replicas answer READONLY only",
    "close-on-slave-write": "ElastiCache's own: the rehearsal's replicas answer READONLY only",
    "slave-allow-chaining": "ElastiCache's own: replicas of replicas are never made here",
    "databases": "the server's own default is the same; cluster mode has one",
    "cluster-preferred-endpoint-type": "ElastiCache's own: members are reached by address here",
    "rename-commands": "commands keep their names here",
    "maxclients": "cannot be modified; each node type's figure is far above what one machine opens",
}

# One directive of the server carries what ElastiCache splits into three parameters.
OUTPUT_LIMITS = {
    f"client-output-buffer-limit-{name}-{part}": (kind, position)
    for name, kind in (
        ("normal", "normal"),
        ("pubsub", "pubsub"),
        ("replica", "replica"),
        ("slave", "replica"),
    )
    for position, part in enumerate(("hard-limit", "soft-limit", "soft-seconds"))
}

DEFAULT_RESERVED_PERCENT = 25


def directives(parameters: Mapping[str, str]) -> list[tuple[str, str]]:
    """Server directives, as lines of its configuration or for CONFIG SET one after the other."""
    found = [
        (name, value)
        for name, value in parameters.items()
        if name not in IGNORED and name not in OUTPUT_LIMITS
    ]
    limits: dict[str, list[str]] = {}
    for name, (kind, position) in OUTPUT_LIMITS.items():
        if name in parameters:
            limits.setdefault(kind, ["0", "0", "0"])[position] = parameters[name]
    found += [
        ("client-output-buffer-limit", " ".join([kind, *values])) for kind, values in limits.items()
    ]
    return found


def maxmemory(node_bytes: int, parameters: Mapping[str, str]) -> int:
    """Bytes for data on a node whose maxmemory is `node_bytes` before the reserve is taken."""
    if "reserved-memory-percent" in parameters:
        percent = int(parameters["reserved-memory-percent"])
    else:
        percent = DEFAULT_RESERVED_PERCENT
    return node_bytes * (100 - percent) // 100
