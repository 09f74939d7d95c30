"""No decision fails through a rotation, whatever becomes of the connections meanwhile."""

import asyncio
import os
import secrets
import ssl
from collections.abc import Callable
from pathlib import Path

import boto3
import pytest
import redis
import redis.asyncio
from redis.exceptions import ConnectionError as RedisConnectionError

from emulator.nodes.context import Authority
from emulator.nodes.group import Group
from tests.client.conftest import Open, Start, eventually, settings_of, variables
from vibewell_redis import LoginRefusedError, Settings, Source, connection_pool, tls
from vibewell_redis.asyncio import connection_pool as asyncio_connection_pool

Secret = tuple[str, boto3.Session]  # its ARN, and who may read it


async def refused(settings: Settings, reason: str) -> None:
    pool = asyncio_connection_pool(settings)
    with pytest.raises(RedisConnectionError, match=reason):
        await redis.asyncio.Redis(connection_pool=pool).ping()
    await pool.aclose()
    threads = connection_pool(settings)
    with pytest.raises(RedisConnectionError, match=reason):
        redis.Redis(connection_pool=threads).ping()
    threads.disconnect()


@pytest.mark.plan("6.2")
async def test_an_authority_that_is_not_known_is_refused(
    start: Start, authority: Callable[[Path], None], tmp_path: Path
) -> None:
    group = start(replicas=0)
    authority(Authority(tmp_path).file)
    await refused(settings_of(group, REDIS_MAX_RECONNECT_ATTEMPTS="0"), "CERTIFICATE_VERIFY_FAILED")


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
        settings = settings_of(group, elsewhere, REDIS_MAX_RECONNECT_ATTEMPTS="0")
        await refused(settings, "IP address mismatch")
    finally:
        forwarder.stop()


@pytest.mark.plan("6.2")
def test_nothing_older_than_tls_1_2_is_spoken() -> None:
    context = tls.trust()
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


@pytest.fixture
def secret(session: boto3.Session) -> Secret:
    made = session.client("secretsmanager").create_secret(Name="token", SecretString="unset")
    return made["ARN"], session


def store(secret: Secret, token: str) -> None:
    arn, session = secret
    session.client("secretsmanager").put_secret_value(SecretId=arn, SecretString=token)


def settings_with(secret: Secret, group: Group) -> Settings:
    found = variables(f"rediss://{group.endpoints.primary}:6379", "")
    del found["REDIS_PASSWORD"]
    return Settings.from_environment(found | {"REDIS_PASSWORD_SECRET_ARN": secret[0]})


def kill_connections(group: Group) -> None:
    group.shards[0].primary.server.call("client", "kill", "user", "default")


def refusals(group: Group) -> int:
    log = group.shards[0].primary.server.call("acl", "log")
    return sum(int(entry["count"]) for entry in log if entry["reason"] == "auth")


@pytest.fixture
def kind(either: str) -> str:
    return either


@pytest.mark.plan("2.3")
async def test_no_decision_fails_through_rotation_and_retirement(
    start: Start, open_limiter: Open, secret: Secret
) -> None:
    group = start()
    store(secret, group.passwords[-1])
    limiter = open_limiter(settings_with(secret, group))
    assert await limiter.connect()
    stop, decisions = asyncio.Event(), []

    async def client(number: int) -> None:
        while not stop.is_set():
            decisions.append((await limiter.hit("admin", user=f"u{number}")).source)
            await asyncio.sleep(0.005)

    clients = [asyncio.create_task(client(number)) for number in range(10)]

    async def goes_on() -> None:
        """Every connection is lost, and decisions go on over new ones."""
        await asyncio.to_thread(kill_connections, group)
        before = len(decisions)
        await eventually(lambda: len(decisions) > before + 50)

    await goes_on()
    for _ in range(3):
        new = secrets.token_hex(32)
        group.accept(*group.passwords, new)
        await goes_on()  # two tokens are accepted
        store(secret, new)  # AWSCURRENT moves; the client keeps the old one for up to 300 s
        await goes_on()
        group.accept(new)  # retired while the client still has it
        await goes_on()
    stop.set()
    await asyncio.gather(*clients)
    assert set(decisions) == {Source.REDIS}
    # Each retirement is noticed by a refused login or two, far below the alarm's ten a minute.
    assert 3 <= refusals(group) <= 9


@pytest.mark.plan("2.3")
@pytest.mark.plan("6.2")
async def test_a_token_that_stays_refused_is_tried_once_and_is_in_no_message_and_no_log(
    start: Start, open_limiter: Open, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    group = start()
    settings, token = settings_of(group), group.passwords[-1]
    group.accept(secrets.token_hex(32))
    pool = connection_pool(settings)
    with pytest.raises(LoginRefusedError, match="Redis refuses the token") as refusal:
        redis.Redis(connection_pool=pool).ping()
    assert refusals(group) == 1
    limiter = open_limiter(settings)
    assert not await limiter.connect()
    assert refusals(group) == 2
    for number in range(5):
        await limiter.hit("mfa", user=f"u{number}")
    assert caplog.records
    for text in (caplog.text, str(refusal.value), repr(pool), repr(settings), repr(limiter)):
        assert token not in text
    assert token not in " ".join(os.environ.values())


@pytest.mark.plan("2.3")
def test_an_applications_own_client_survives_a_rotation_too(start: Start, secret: Secret) -> None:
    group = start()
    store(secret, group.passwords[-1])
    pool = connection_pool(settings_with(secret, group))
    client = redis.Redis(connection_pool=pool)
    assert client.ping()
    new = secrets.token_hex(32)
    group.accept(*group.passwords, new)
    store(secret, new)
    group.accept(new)
    kill_connections(group)
    assert client.ping()
    pool.disconnect()
