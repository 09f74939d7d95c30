"""What to do when a metric reaches its line: which node type is next, and where none helps.

Prices are those of node_types.csv. Sources: ElastiCache user guide, "Supported node types" (TLS
offloading from 4 vCPUs on), "Scaling clusters", "Which metrics should I monitor".
"""

from collections.abc import Callable

from environments.node_types import NodeType, cheapest
from environments.redis_settings import Redis

OFFLOADING_VCPUS = 4


def for_memory(redis: Redis) -> str:
    """When memory fills."""
    gain = "{:.2f} GiB usable instead of {:.2f}"
    return _scale(redis, "memory", lambda node: node.usable_gib, gain)


def for_engine_cpu(redis: Redis) -> str:
    """When the engine's one thread is busy, which a larger node does not make faster."""
    first = "Look for slow commands in the slow log. A larger node does not speed up that thread"
    offloads = _cheapest(redis.node_type, lambda one: one.vcpus >= OFFLOADING_VCPUS)
    if redis.node_type.vcpus < OFFLOADING_VCPUS and offloads:
        first += f", but {offloads.name}, of {offloads.vcpus} vCPUs, takes TLS off it"
    return f"{first}; cluster mode spreads the keys over several."


def for_host_cpu(redis: Redis) -> str:
    """When the host is busy beside the engine."""
    return _scale(redis, "vCPUs", lambda node: node.vcpus, "{} vCPUs instead of {}")


def for_connections(budget: int) -> str:
    """When clients hold many connections; ``budget`` is what all instances may."""
    return (
        f"Count the application's instances and their pools, which are budgeted {budget} "
        "connections. A larger node does not help: raise budget and warning together."
    )


def for_network(redis: Redis) -> str:
    """When traffic reaches the bandwidth that the node has without end."""
    gain = "a baseline of {:g} Gbit/s instead of {:g}"
    return _scale(redis, "bandwidth", lambda node: node.baseline_gbps, gain)


def _cheapest(node: NodeType, fits: Callable[[NodeType], bool]) -> NodeType | None:
    """The cheapest that fits and holds the data of ``node``."""
    return cheapest(lambda one: fits(one) and one.usable_gib >= node.usable_gib, like=node)


def _scale(redis: Redis, what: str, of: Callable[[NodeType], float], gain: str) -> str:
    old = redis.node_type
    new = _cheapest(old, lambda one: of(one) > of(old))
    if new is None:
        return f"No node has more {what}: use cluster mode and more shards."
    before, after = (node.price(redis.engine.engine) for node in (old, new))
    price = f", for ${after:g} instead of ${before:g} an hour a node" if before and after else ""
    return f"Scale to {new.name}, it stays online: {gain.format(of(new), of(old))}{price}."
