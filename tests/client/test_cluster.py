"""With shards the limiter finds the node that has its keys, and finds it again."""

import os
import signal

import pytest
from redis.crc import key_slot

from emulator.nodes.cluster import identity
from emulator.nodes.shard import Shard
from tests.client.conftest import (
    Open,
    Start,
    decided_by_redis,
    eventually,
    of_tasks,
    settings_of,
    storage_of,
)
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


@pytest.fixture
def kind(either: str) -> str:
    return either


@pytest.mark.plan("5.5")
async def test_the_limiter_works_on_shards_by_the_configuration_address(
    start: Start, open_limiter: Open
) -> None:
    group = start(shards=3, replicas=1, cluster=True)
    for prefix in ("a", "b", "c", "d"):
        limiter = open_limiter(settings_of(group, group.endpoints.configuration), prefix=prefix)
        assert await limiter.connect()
        for left in reversed(range(5)):
            decision = await limiter.hit("mfa", user="alice", ip="192.0.2.1")
            assert decision.source is Source.REDIS
            assert [window.remaining for window in decision.windows] == [left, left]
        assert not await limiter.hit("mfa", user="bob", ip="192.0.2.1")
    # Prefixes lie on different shards.
    keys = [shard.primary.server.call("dbsize") for shard in group.shards]
    assert sum(size > 0 for size in keys) >= 2


@pytest.mark.plan("6.1")
async def test_a_shard_that_lost_its_primary_is_found_again(
    start: Start, open_limiter: Open
) -> None:
    group = start(shards=3, replicas=1, cluster=True)
    limiter = open_limiter(settings_of(group, group.endpoints.configuration))
    assert (await limiter.hit("mfa", user="alice")).windows[0].remaining == 4
    home = next(shard for shard in group.shards if shard.primary.server.call("dbsize"))
    old = home.primary
    assert old.server.call("wait", 1, 2000) == 1
    os.kill(old.server.pid, signal.SIGKILL)
    await eventually(lambda: home.primary is not old, 120)
    decision = await decided_by_redis(limiter, "mfa", "alice")
    assert decision.windows[0].remaining == 4


@of_tasks
async def test_a_node_that_is_gone_is_asked_for_at_the_configuration_address(
    start: Start, open_limiter: Open
) -> None:
    group = start(shards=3, replicas=0, cluster=True)
    settings = settings_of(group, group.endpoints.configuration, REDIS_MAX_RECONNECT_ATTEMPTS="0")
    limiter = open_limiter(settings)
    assert await limiter.connect()
    # As if the shard's node had been replaced: nobody listens where it was.
    storage_of(limiter)._pool.address = ("127.0.0.1", 1)  # noqa: SLF001
    assert (await limiter.hit("mfa", user="alice")).source is Source.REDIS
