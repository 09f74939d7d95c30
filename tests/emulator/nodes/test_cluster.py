import os
import signal
from pathlib import Path

import redis

from emulator.nodes.cluster import slot_ranges
from emulator.nodes.context import Ground
from emulator.nodes.group import Group
from emulator.nodes.waiting import until
from tests.emulator.nodes.conftest import TOKEN, Start

KEYS = {f"key-{number}": str(number) for number in range(100)}


def connect(group: Group, ground: Ground) -> redis.RedisCluster:
    return redis.RedisCluster(
        host=group.endpoints.configuration,
        password=TOKEN,
        ssl=True,
        ssl_ca_certs=str(ground.ca_file),
        decode_responses=True,
    )


def write(group: Group, ground: Ground) -> None:
    client = connect(group, ground)
    for key, value in KEYS.items():
        client.set(key, value)


def read(group: Group, ground: Ground) -> dict[str, object]:
    client = connect(group, ground)
    return {key: client.get(key) for key in KEYS}


def test_slots_are_spread_evenly_and_completely() -> None:
    assert slot_ranges(3) == [(0, 5460), (5461, 10921), (10922, 16383)]


def test_shards_share_the_keys_survive_failovers_and_are_restored(
    start: Start, ground: Ground, tmp_path: Path, events: list[tuple[str, str]]
) -> None:
    group = start("cluster", shards=2, replicas=1, cluster=True)
    assert [member.name for member in group.members] == [
        "cluster-0-0001-001",
        "cluster-0-0001-002",
        "cluster-0-0002-001",
        "cluster-0-0002-002",
    ]
    write(group, ground)
    assert all(shard.primary.server.call("dbsize") > 0 for shard in group.shards)

    group.fail_over("0001")
    assert group.shard("0001").primary.name == "cluster-0-0001-002"
    lost = group.node("cluster-0-0002-001")
    os.kill(lost.server.pid, signal.SIGKILL)
    until(lambda: (lost.name, "Finished recovery for cache nodes 0001") in events, 120, "recovery")
    assert group.shard("0002").primary.name == "cluster-0-0002-002"
    assert read(group, ground) == KEYS
    # An empty node that came back must not have taken its slots, or the keys would go later.
    assert group.shard("0002").primary.server.info("replication")["role"] == "master"
    assert lost.server.info("replication")["role"] == "slave"

    files = tuple(group.snapshot(tmp_path))
    group.stop()
    restored = start("again", shards=2, replicas=0, cluster=True, restore=files)
    assert read(restored, ground) == KEYS
