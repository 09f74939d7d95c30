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
    node = redis.node_type
    larger = cheapest(lambda one: one.usable_gib > node.usable_gib, like=node)
    if larger is None:
        return "No node has more memory: use cluster mode and more shards."
    gain = f"{larger.usable_gib:.2f} GiB usable instead of {node.usable_gib:.2f}"
    return _scale(redis, larger, gain)


def for_engine_cpu(redis: Redis) -> str:
    """When the engine's one thread is busy, which a larger node does not make faster."""
    first = "Look for slow commands in the slow log. A larger node does not speed up that thread"
    offloads = _more(redis.node_type, lambda one: one.vcpus, OFFLOADING_VCPUS)
    if redis.node_type.vcpus < OFFLOADING_VCPUS and offloads:
        first += f", but {offloads.name}, of {offloads.vcpus} vCPUs, takes TLS off it"
    return f"{first}; cluster mode spreads the keys over several."


def for_host_cpu(redis: Redis) -> str:
    """When the host is busy beside the engine."""
    node = redis.node_type
    larger = _more(node, lambda one: one.vcpus, node.vcpus + 1)
    if larger is None:
        return "No node has more vCPUs: use cluster mode and more shards."
    return _scale(redis, larger, f"{larger.vcpus} vCPUs instead of {node.vcpus}")


def for_connections(budget: int) -> str:
    """When clients hold many connections; ``budget`` is what all instances may."""
    return (
        f"Count the application's instances and their pools, which are budgeted {budget} "
        "connections. A larger node does not help: raise budget and warning together."
    )


def for_network(redis: Redis) -> str:
    """When traffic reaches the bandwidth that the node has without end."""
    node = redis.node_type
    now = node.baseline_gbps
    wider = cheapest(lambda one: one.baseline_gbps > now, like=node)
    if wider is None:
        return "No node has more bandwidth: use cluster mode and more shards."
    then = wider.baseline_gbps
    return _scale(redis, wider, f"a baseline of {then:g} Gbit/s instead of {now:g}")


def _more(node: NodeType, of: Callable[[NodeType], int], wanted: int) -> NodeType | None:
    return cheapest(lambda one: of(one) >= wanted and one.usable_gib >= node.usable_gib, like=node)


def _scale(redis: Redis, node: NodeType, gain: str) -> str:
    old, new = (one.price(redis.engine.engine) for one in (redis.node_type, node))
    price = f", for ${new:g} instead of ${old:g} an hour a node" if old and new else ""
    return f"Scale to {node.name}, it stays online: {gain}{price}."
