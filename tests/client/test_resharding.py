"""While the slot of a limiter's keys moves to another shard: nothing is lost, nothing twice."""

import pytest
from redis.crc import key_slot

from emulator.nodes.cluster import identity
from emulator.nodes.shard import Shard
from tests.client.conftest import Open, Start, decided_by_redis, settings_of, storage_of
from vibewell_redis import Source
from vibewell_redis.keys import trial

PREFIX = "moving"


def home(shards: list[Shard]) -> tuple[Shard, Shard]:
    """The shard that has the prefix, and the other one."""
    slot = key_slot(trial(PREFIX))
    one, two = shards
    return (one, two) if slot in one.slots else (two, one)


@pytest.mark.plan("5.5")
async def test_a_slot_on_its_way_is_decided_by_the_fallback_where_redis_cannot_and_keeps_its_counts(
    start: Start, open_limiter: Open
) -> None:
    group = start(shards=2, replicas=0, cluster=True)
    settings = settings_of(group, group.endpoints.configuration)
    limiter = open_limiter(settings, prefix=PREFIX)
    for left in (4, 3):
        known = await limiter.hit("mfa", user="known", ip="192.0.2.1")
        assert [window.remaining for window in known.windows] == [left, left]

    source, target = home(group.shards)
    slot, (host, port) = key_slot(trial(PREFIX)), target.primary.at
    gives, takes = source.primary.server, target.primary.server
    takes.call("cluster setslot", slot, "importing", identity(source.primary))
    gives.call("cluster setslot", slot, "migrating", identity(target.primary))

    # Who is still there is decided there, all keys or none.
    here = await limiter.hit("mfa", user="known", ip="192.0.2.1")
    assert (here.source, here.windows[0].remaining) == (Source.REDIS, 2)
    # Who is new is not there any more, and two keys that are not yet here are refused here.
    new = await limiter.hit("mfa", user="new", ip="192.0.2.2")
    assert (new.source, new.allowed) == (Source.FALLBACK, True)

    login = ("auth2", "rehearsal", gives.settings.control.password)
    keys = gives.call("cluster getkeysinslot", slot, 100)
    gives.call("migrate", host, port, "", 0, 5000, *login, "keys", *keys)
    for server in (takes, gives):
        server.call("cluster setslot", slot, "node", identity(target.primary))

    moved = await decided_by_redis(limiter, "mfa", "known")
    assert moved.windows[0].remaining == 2
    # What the fallback admitted counts nowhere.
    assert (await decided_by_redis(limiter, "mfa", "new")).windows[0].remaining == 5
    assert storage_of(limiter).is_available
