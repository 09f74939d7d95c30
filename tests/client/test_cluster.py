"""With shards the limiter finds the node that has its keys, and finds it again."""

import os
import signal

import pytest

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
