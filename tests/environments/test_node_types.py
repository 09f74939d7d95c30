"""Node types, Regions and zones agree with AWS's own tables, and what to do at a line is true."""

import json
import re
from importlib.resources import files
from itertools import pairwise

import botocore.session
import pytest

from environments import growth
from environments.load import load
from environments.node_types import NODE_TYPES, cheapest, node_type, smallest_with
from environments.redis_settings import Redis
from environments.regions import NOT_SOLD, REGIONS, zones

SOLD = "data/schemas/extensions/aws_elasticache_cachecluster/cachenodetype_enum.json"


def families_where(rule: str) -> set[str]:
    return {node.family for node in NODE_TYPES.values() if getattr(node, rule)}


@pytest.mark.parametrize("family", sorted({node.family for node in NODE_TYPES.values()}))
def test_a_larger_size_never_has_less_or_costs_less(family: str) -> None:
    nodes = [node for node in NODE_TYPES.values() if node.family == family]
    for smaller, larger in pairwise(nodes):
        assert smaller.memory_bytes < larger.memory_bytes
        assert smaller.vcpus <= larger.vcpus
        assert smaller.max_connections <= larger.max_connections
        assert smaller.baseline_gbps < larger.baseline_gbps
        assert smaller.valkey_price < larger.valkey_price


def test_valkey_costs_a_fifth_less_than_redis_where_redis_runs() -> None:
    for node in NODE_TYPES.values():
        if node.redis_price is None:
            assert node.valkey_only
        else:
            assert node.valkey_price == pytest.approx(0.8 * node.redis_price)
            assert not node.valkey_only


def test_only_some_families_burst_tier_endure_or_refuse_redis() -> None:
    assert families_where("burstable") == {"t2", "t3", "t4g"}
    assert families_where("supports_data_tiering") == {"r6gd"}
    assert families_where("valkey_only") == {"m8g", "r8g", "c8gn"}
    assert families_where("previous_generation") == {"t2"}
    assert families_where("supports_durability") == {
        *("m6g", "m7g", "m8g"),
        *("r6g", "r7g", "r8g"),
        *("c7gn", "c8gn"),
    }


def test_the_credits_that_a_node_keeps_are_a_day_of_earning_its_baseline() -> None:
    for node in NODE_TYPES.values():
        if node.cpu_credits:
            earned = node.cpu_credits.per_hour
            assert node.cpu_credits.maximum == 24 * earned
            assert node.cpu_credits.baseline_percent == 100 * earned / 60 / node.vcpus
    medium = node_type("cache.t3.medium").cpu_credits
    assert medium is not None
    assert (medium.per_hour, medium.maximum, medium.baseline_percent) == (24, 576, 20)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("cache.t3.mediun", "cache.t3.medium"),
        ("t3.medium", "cache.t3.medium"),
        ("CACHE.R7G.LARGE", "cache.r7g.large"),
        ("cache.m6g.medium", "cache.m6g.large"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest_real_one(written: str, meant: str) -> None:
    with pytest.raises(ValueError, match=f'"{written}" is not .* Write "{meant}" instead'):
        node_type(written)


def test_a_name_like_no_other_is_answered_with_an_example() -> None:
    with pytest.raises(ValueError, match=r'Write a name such as "cache\.t3\.medium" instead'):
        node_type("?")


@pytest.mark.parametrize(
    ("gib", "like", "expected"),
    [
        (4, "cache.t3.medium", "cache.m6g.large"),
        (2.3, "cache.t3.medium", "cache.t4g.medium"),
        (2.4, "cache.t3.medium", "cache.m6g.large"),
        (1, "cache.m6g.large", "cache.m6g.large"),
        (1, "cache.m5.large", "cache.m6g.large"),
        (1, "cache.m8g.large", "cache.m6g.large"),
        (5, "cache.m8g.large", "cache.m8g.large"),
        (5, "cache.m7g.large", "cache.r6g.large"),
        (30, "cache.r6gd.xlarge", "cache.r6gd.2xlarge"),
        (470, "cache.r5.24xlarge", "cache.r5.24xlarge"),
    ],
)
def test_the_cheapest_type_that_is_large_enough_is_found(
    gib: float, like: str, expected: str
) -> None:
    found = smallest_with(gib, node_type(like))
    assert found is not None
    assert found.name == expected
    assert found.usable_gib >= gib


def test_no_type_is_found_where_none_is_large_enough() -> None:
    assert smallest_with(477, node_type("cache.r5.24xlarge")) is None
    # r5.24xlarge would hold it but has no durability, which an r6g could be using.
    assert smallest_with(470, node_type("cache.r6g.16xlarge")) is None


def test_a_type_stands_in_for_itself_unless_a_cheaper_one_can() -> None:
    for node in NODE_TYPES.values():
        if node.previous_generation:
            continue
        found = smallest_with(node.usable_gib, node)
        assert found is not None
        assert found.valkey_price <= node.valkey_price
        assert found.valkey_only <= node.valkey_only


def test_the_regions_are_those_of_botocore() -> None:
    known = botocore.session.get_session().get_available_regions("elasticache")
    assert frozenset(known) == REGIONS


def test_what_is_sold_and_which_zones_there_are_is_as_cfn_lint_knows() -> None:
    from cfnlint.helpers import AVAILABILITY_ZONES  # it takes seconds

    sold = json.loads(files("cfnlint").joinpath(SOLD).read_text())
    assert {name for region in REGIONS for name in sold[region]["enum"]} == {*NODE_TYPES}
    current = {name for name, node in NODE_TYPES.items() if not node.previous_generation}
    for region in REGIONS:
        missing = {name for name in current if NODE_TYPES[name].family in NOT_SOLD[region]}
        assert missing == current - {*sold[region]["enum"]}, region
        assert set(AVAILABILITY_ZONES[region]) <= {*zones(region)}, region
        assert zones(region)[-1] == max(*AVAILABILITY_ZONES[region]), region


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
        for larger in re.findall(r"Scale to (cache\.\S+),", advice):
            assert node_type(larger).usable_gib >= settings.node_type.usable_gib, "keys would go"


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
