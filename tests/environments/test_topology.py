"""What ElastiCache calls the nodes, and how many an alarm can watch."""

import pytest

from environments.schema import Settings
from environments.topology import Topology
from tests.support import Document
from tests.variants import DURABLE, changed


@pytest.mark.parametrize(
    ("mode", "shards", "replicas", "members"),
    [
        (False, 1, 2, [["r-001", "r-002", "r-003"]]),
        (True, 2, 1, [["r-0001-001", "r-0001-002"], ["r-0002-001", "r-0002-002"]]),
        (True, 1, 1, [["r-0001-001", "r-0001-002"]]),
    ],
)
def test_members_are_numbered_and_with_cluster_mode_carry_their_shard(
    mode: bool, shards: int, replicas: int, members: list[list[str]]
) -> None:
    topology = Topology("r", cluster_mode=mode, shards=shards, replicas_per_shard=replicas)
    assert [list(shard) for shard in topology.members_by_shard] == members
    assert topology.node_count == sum(map(len, members))
    suffixes = [f"-shard-{shard}" for shard in range(1, shards + 1)] if mode else [""]
    assert [suffix for suffix, _ in topology.alarm_groups()] == suffixes


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
