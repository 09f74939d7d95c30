"""What to do at a warning line comes from the node table, and is true of every node type."""

import pytest

from environments import growth
from environments.load import load
from environments.node_types import NODE_TYPES, cheapest, node_type
from environments.redis_settings import Redis

pytestmark = pytest.mark.plan("7.2")


def redis(name: str) -> Redis:
    return load("production").redis.model_copy(update={"node_type": node_type(name)})


@pytest.mark.parametrize("name", sorted(NODE_TYPES))
def test_every_node_type_has_something_to_do(name: str) -> None:
    settings = redis(name)
    for advice in (
        growth.for_memory(settings),
        growth.for_host_cpu(settings),
        growth.for_network(settings),
        growth.for_engine_cpu(settings),
    ):
        assert "cache." in advice or "cluster mode" in advice
        assert "t2." not in advice, "such nodes can no longer be created"


def test_the_next_type_really_has_more_of_what_is_short() -> None:
    node = node_type("cache.t3.medium")
    memory = cheapest(lambda one: one.usable_gib > node.usable_gib, like=node)
    assert memory is not None
    assert memory.name in growth.for_memory(redis(node.name))
    assert "cache.m6g.xlarge, it stays online: 4 vCPUs instead of 2" in growth.for_host_cpu(
        redis(node.name)
    )
    assert "0.75 Gbit/s instead of 0.256" in growth.for_network(redis(node.name))


def test_where_no_node_is_larger_the_keys_are_spread() -> None:
    largest = redis("cache.r5.24xlarge")
    assert (
        growth.for_memory(largest) == "No node has more memory: use cluster mode and more shards."
    )
    assert growth.for_host_cpu(largest).startswith("No node has more vCPUs")
    assert growth.for_network(redis("cache.c7gn.16xlarge")).startswith("No node has more bandwidth")
    assert "cluster mode" in growth.for_engine_cpu(largest)
