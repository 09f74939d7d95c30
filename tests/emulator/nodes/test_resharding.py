"""More shards: every key is still there, and its time to live, and Redis agrees where."""

import pytest

from emulator.nodes.cluster import slot_ranges
from emulator.nodes.context import Ground
from tests.emulator.nodes.conftest import Start
from tests.emulator.nodes.test_cluster import KEYS, connect, read, write


@pytest.mark.plan("1")
def test_keys_move_to_new_shards_with_their_time_to_live(start: Start, ground: Ground) -> None:
    group = start("more", shards=2, replicas=1, cluster=True)
    write(group, ground)
    client = connect(group, ground)
    client.expire("key-1", 1000)
    client.close()

    group.add_shards(3)

    sizes = [last - first + 1 for first, last in slot_ranges(3)]
    assert [len(shard.slots) for shard in group.shards] == sizes
    assert [member.shard for member in group.members] == ["0001"] * 2 + ["0002"] * 2 + ["0003"] * 2
    assert read(group, ground) == KEYS
    assert all(shard.primary.server.call("dbsize") > 10 for shard in group.shards)
    assert 900 < connect(group, ground).ttl("key-1") <= 1000
    for shard in group.shards:
        (replica,) = shard.replicas
        replica.wait_in_sync(shard.primary)
        assert shard.primary.server.call("wait", 1, 30000) == 1
        assert replica.server.call("dbsize") == shard.primary.server.call("dbsize")
