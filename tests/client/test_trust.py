"""Whom a connection trusts: every one of both kinds, the limiter's too."""

import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
import redis
import redis.asyncio
from redis.exceptions import ConnectionError as RedisConnectionError

from emulator.nodes.context import Authority
from tests.client.conftest import Open, Start, settings_of
from vibewell_redis import Settings, Source, connection_pool, tls
from vibewell_redis.asyncio import connection_pool as asyncio_connection_pool


async def refused(settings: Settings, reason: str) -> None:
    pool = asyncio_connection_pool(settings)
    with pytest.raises(RedisConnectionError, match=reason):
        await redis.asyncio.Redis(connection_pool=pool).ping()
    await pool.aclose()
    threads = connection_pool(settings)
    with pytest.raises(RedisConnectionError, match=reason):
        redis.Redis(connection_pool=threads).ping()
    threads.disconnect()


def quick(**others: str) -> dict[str, str]:
    return {"REDIS_MAX_RECONNECT_ATTEMPTS": "0", **others}


@pytest.mark.plan("6.2")
async def test_an_authority_that_is_not_known_is_refused(
    start: Start, authority: Callable[[Path], None], tmp_path: Path
) -> None:
    group = start(replicas=0)
    authority(Authority(tmp_path).file)
    await refused(settings_of(group, **quick()), "CERTIFICATE_VERIFY_FAILED")


@pytest.mark.plan("6.2")
async def test_a_certificate_for_another_name_is_refused(start: Start) -> None:
    group = start(replicas=0)
    # The node listens there, and its certificate is for the rehearsal's addresses and localhost.
    from emulator.nodes.forwarder import Forwarder

    forwarder = Forwarder()
    block = group.node("client-0-001").at[0].split(".")[1]
    elsewhere = f"127.{block}.250.1"
    forwarder.point((elsewhere, 6379), [group.node("client-0-001").at])
    try:
        await refused(settings_of(group, elsewhere, **quick()), "IP address mismatch")
    finally:
        forwarder.stop()


@pytest.mark.plan("6.2")
async def test_the_limiter_trusts_no_stranger_either(
    start: Start, open_limiter: Open, authority: Callable[[Path], None], tmp_path: Path
) -> None:
    group = start(replicas=0)
    authority(Authority(tmp_path).file)
    limiter = open_limiter(settings_of(group, **quick()))
    assert not await limiter.connect()
    assert (await limiter.hit("mfa", user="alice")).source is Source.FALLBACK


@pytest.mark.plan("6.2")
def test_nothing_older_than_tls_1_2_is_spoken() -> None:
    context = tls.trust()
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
