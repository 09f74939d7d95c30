"""What ElastiCache calls the nodes, and how many an alarm can watch."""

import pytest

from environments.schema import Settings
from environments.topology import Topology
from tests.support import Document
from tests.variants import DURABLE, changed


def test_members_without_cluster_mode_are_numbered_in_one_row() -> None:
    topology = Topology("vibewell-redis", cluster_mode=False, shards=1, replicas_per_shard=2)
    assert topology.members == ("vibewell-redis-001", "vibewell-redis-002", "vibewell-redis-003")
    assert topology.node_count == 3


def test_members_with_cluster_mode_carry_their_shard() -> None:
    topology = Topology("vibewell-redis", cluster_mode=True, shards=2, replicas_per_shard=1)
    assert topology.members_by_shard == (
        ("vibewell-redis-0001-001", "vibewell-redis-0001-002"),
        ("vibewell-redis-0002-001", "vibewell-redis-0002-002"),
    )
    assert topology.node_count == 4


def test_cluster_mode_with_one_shard_still_names_the_shard() -> None:
    topology = Topology("r", cluster_mode=True, shards=1, replicas_per_shard=1)
    assert topology.members == ("r-0001-001", "r-0001-002")
    assert [suffix for suffix, _ in topology.alarm_groups()] == ["-shard-1"]


@pytest.mark.parametrize(
    ("durability", "may"), [("default", True), ("sync", True), ("disabled", False)]
)
def test_writes_may_be_logged_unless_it_is_disabled(
    document: Document, durability: str, may: bool
) -> None:
    durable = changed(document, {**DURABLE, "redis.durability": durability})
    assert Settings.model_validate(durable).redis.may_be_durable is may


@pytest.mark.parametrize(("shards", "replicas"), [(1, 1), (7, 4), (6, 5), (7, 5), (45, 1), (15, 5)])
@pytest.mark.parametrize("metrics", [1, 2])
def test_an_alarm_reads_at_most_ten_metrics_and_every_member_is_watched(
    shards: int, replicas: int, metrics: int
) -> None:
    topology = Topology("r", cluster_mode=True, shards=shards, replicas_per_shard=replicas)
    groups = list(topology.alarm_groups(metrics))
    assert all(len(members) * metrics <= 10 for _, members in groups)
    assert [member for _, members in groups for member in members] == list(topology.members)
    assert len({suffix for suffix, _ in groups}) == len(groups), "names would collide"
    assert all(("shard" in suffix) == topology.in_full for suffix, _ in groups)


def test_an_alarm_mixes_no_shards_of_a_group_that_is_watched_in_full() -> None:
    topology = Topology("r", cluster_mode=True, shards=3, replicas_per_shard=1)
    assert [members for _, members in topology.alarm_groups()] == list(topology.members_by_shard)
