"""The asynchronous pool on real nodes: fair, bounded, and its idle connections are closed."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import redis.asyncio
from redis.exceptions import ConnectionError as RedisConnectionError

from emulator.fixtures import Nodes
from tests.client.conftest import MakeSettings, Open, Start, eventually, settings_of
from vibewell_redis import Source
from vibewell_redis.asyncio import FairConnectionPool, connection_pool

Make = Callable[..., FairConnectionPool]


@pytest.fixture
async def pool(settings: MakeSettings) -> AsyncIterator[Make]:
    made: list[FairConnectionPool] = []

    def make(**others: str) -> FairConnectionPool:
        made.append(connection_pool(settings(**others)))
        return made[-1]

    yield make
    for each in made:
        await each.aclose()


def logins(nodes: Nodes) -> int:
    """Connections of clients that are open at the primary now."""
    primary = nodes.group.shards[0].primary.server
    primary.control.ping()  # Redis frees who has left after the commands that it has read with it
    return sum(one["user"] == "default" for one in primary.control.client_list(_type="normal"))


@pytest.mark.plan("5.4")
async def test_at_most_20_connections_share_one_tls_context(pool: Make, nodes: Nodes) -> None:
    shared, most = pool(), 0
    before, client = logins(nodes), redis.asyncio.Redis(connection_pool=shared)

    async def work(number: int) -> None:
        nonlocal most
        for _ in range(5):
            await client.set(f"pool:{number}", "1", ex=60)
            most = max(most, logins(nodes) - before)

    await asyncio.gather(*(work(number) for number in range(60)))
    assert 15 < most <= 20  # connections of the test before may still be closing
    idle: Any = shared._idle  # noqa: SLF001
    assert len({id(connection.ssl_context.get()) for connection in idle}) == 1


async def test_who_waits_longest_is_served_first(pool: Make) -> None:
    small = pool(REDIS_POOL_SIZE="2")
    held = [await small.get_connection() for _ in range(2)]
    served: list[int] = []

    async def take(number: int) -> None:
        connection = await small.get_connection()
        served.append(number)
        await small.release(connection)

    tasks = []
    for number in range(20):
        tasks.append(asyncio.create_task(take(number)))
        await asyncio.sleep(0)
    for connection in held:
        await small.release(connection)
    await asyncio.gather(*tasks)
    assert served == list(range(20))


async def test_a_wait_for_a_connection_ends(pool: Make) -> None:
    small = pool(REDIS_POOL_SIZE="1", REDIS_TIMEOUT="50")
    held = await small.get_connection()
    with pytest.raises(RedisConnectionError, match=r"none of 1 connections came free in 0\.05 s"):
        await small.get_connection()
    await small.release(held)
    await small.release(await small.get_connection())


async def test_a_connection_handed_to_one_who_has_gone_goes_to_the_next(pool: Make) -> None:
    small = pool(REDIS_POOL_SIZE="1")
    held = await small.get_connection()
    gone = asyncio.create_task(small.get_connection())
    there = asyncio.create_task(small.get_connection())
    await asyncio.sleep(0)
    await small.release(held)  # it is handed to the first, who is cancelled before it can take it
    gone.cancel()
    connection = await asyncio.wait_for(there, 60)
    assert connection is held
    await small.release(connection)
    with pytest.raises(asyncio.CancelledError):
        await gone


@pytest.mark.plan("5.4")
async def test_a_connection_that_nobody_uses_is_closed(pool: Make, nodes: Nodes) -> None:
    before = logins(nodes)
    idle = pool(REDIS_POOL_IDLE_SECONDS="1")
    held = [await idle.get_connection() for _ in range(3)]
    for connection in held[:2]:
        await idle.release(connection)
    assert logins(nodes) == before + 3
    await eventually(lambda: logins(nodes) == before + 1)
    # The one in use is not idle, and the pool goes on.
    await held[2].send_command("PING")
    assert await held[2].read_response() in (b"PONG", True)
    await idle.release(held[2])
    assert await redis.asyncio.Redis(connection_pool=idle).ping()


@pytest.mark.plan("6.1")
async def test_a_client_of_the_pool_survives_a_failover(start: Start) -> None:
    group = start()
    pool = connection_pool(settings_of(group))
    client = redis.asyncio.Redis(connection_pool=pool)
    await client.set("before", "1")
    group.fail_over("0001")
    # The open connection leads to a replica now: its READONLY is an error that is tried again.
    assert await client.set("after", "1")
    await pool.aclose()


async def test_a_connection_that_could_not_be_made_gives_its_place_back(start: Start) -> None:
    group = start(replicas=0)
    others = {"REDIS_POOL_SIZE": "2", "REDIS_MAX_RECONNECT_ATTEMPTS": "0", "REDIS_TIMEOUT": "500"}
    pool = connection_pool(settings_of(group, **others))
    group.endpoints.close()
    for _ in range(5):
        with pytest.raises(RedisConnectionError, match="Error 111"):
            await pool.get_connection()
    group.endpoints.point(group.shards)
    assert await redis.asyncio.Redis(connection_pool=pool).ping()
    await pool.aclose()


@pytest.mark.plan("5.4")
async def test_a_limiter_shares_the_pool_and_leaves_it_open(
    pool: Make, nodes: Nodes, settings: MakeSettings, open_limiter: Open
) -> None:
    before = logins(nodes)
    shared = pool(REDIS_POOL_SIZE="1")
    client = redis.asyncio.Redis(connection_pool=shared)
    limiter = open_limiter(settings(), pool=shared)
    decision, answer = await asyncio.gather(limiter.hit("mfa", user="alice"), client.ping())
    assert (decision.source, answer) == (Source.REDIS, True)
    assert logins(nodes) == before + 1
    await limiter.aclose()
    assert logins(nodes) == before + 1
    assert await client.ping()
