import asyncio
import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from tests.client.conftest import variables
from vibewell_redis import Settings, TokenUnavailableError
from vibewell_redis.credentials import Login, Token, token_of

Advance = Callable[[float], None]


class Secret:
    """What Secrets Manager holds, and how often it was asked."""

    def __init__(self, value: str = "first") -> None:
        self.value = value
        self.asked = 0
        self.broken = False

    def __call__(self) -> str:
        self.asked += 1
        if self.broken:
            raise ConnectionError("no way to Secrets Manager")
        return self.value


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Advance:
    now = 1000.0

    def advance(seconds: float) -> None:
        nonlocal now
        now += seconds

    monkeypatch.setattr("vibewell_redis.credentials.time.monotonic", lambda: now)
    return advance


@pytest.mark.plan("2.3")
def test_the_token_is_kept_for_300_seconds_and_then_fetched_anew(clock: Advance) -> None:
    secret = Secret()
    token = Token(secret)
    assert token.get()[0] == "first"
    secret.value = "second"
    clock(299)
    assert token.get()[0] == "first"
    clock(2)
    assert token.get()[0] == "second"
    assert secret.asked == 2


def test_of_many_refused_connections_one_fetches(clock: Advance) -> None:
    secret = Secret()
    token = Token(secret)
    token.get()
    clock(5)
    secret.value = "second"
    threads = [threading.Thread(target=token.renew, args=("first", 1)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert secret.asked == 2


@pytest.mark.parametrize("broken", [False, True], ids=["refused", "not to be read"])
def test_a_secret_that_brings_nothing_is_read_less_often(clock: Advance, broken: bool) -> None:
    secret = Secret()
    secret.broken = broken
    token = Token(secret)
    for _ in range(600):  # ten minutes of a trial each second
        login = Login(token)
        try:
            login.get_credentials()
            assert not login.renew()
        except TokenUnavailableError:
            assert broken
        clock(1.0)
    assert 10 < secret.asked < 25
    secret.value, secret.broken = "second", False
    clock(60.0)
    assert login.renew() or login.get_credentials() == ("second",)


def test_a_lock_that_was_held_at_a_fork_is_not_the_childs(monkeypatch: pytest.MonkeyPatch) -> None:
    token = Token(Secret())
    with token._lock:  # noqa: SLF001 - as a thread of the parent's may hold it
        monkeypatch.setattr("vibewell_redis.credentials.os.getpid", lambda: -1)
        reading = threading.Thread(target=token.get, daemon=True)
        reading.start()
        reading.join(5)
        assert not reading.is_alive()


def test_the_secret_is_read_with_the_session_of_the_settings_by_a_client_of_each_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    class Session:
        def client(self, name: str, **_: object) -> Any:
            asked.append(name)
            return SimpleNamespace(get_secret_value=lambda SecretId: {"SecretString": SecretId})  # noqa: N803

    arn = "arn:aws:secretsmanager:eu-west-1:1:secret:token"
    found = variables("rediss://127.0.0.1:6379", "") | {"REDIS_PASSWORD_SECRET_ARN": arn}
    settings = replace(Settings.from_environment(found), session=Session())
    token = token_of(settings)
    assert asked == ["secretsmanager"]  # mistakes show where the limiter is made
    assert token is not None
    assert (token.get()[0], len(asked)) == (arn, 1)
    # A forked process shares neither the parent's connection to AWS nor a lock that it held.
    monkeypatch.setattr("vibewell_redis.credentials.os.getpid", lambda: -1)
    token._held = None  # noqa: SLF001
    assert (token.get()[0], len(asked)) == (arn, 2)


def test_a_token_that_is_known_outlives_an_outage_of_secrets_manager_and_none_is_shown(
    clock: Advance, caplog: pytest.LogCaptureFixture
) -> None:
    secret = Secret("never-shown")
    token = Token(secret)
    token.get()
    secret.broken = True
    clock(301)
    assert token.get()[0] == "never-shown"
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    with pytest.raises(TokenUnavailableError, match="cannot be read: no way to Secrets") as said:
        Token(secret).get()
    assert "never-shown" not in str(said.value) + repr(token) + caplog.text


def test_a_connection_with_an_old_token_takes_the_one_that_another_fetched(clock: Advance) -> None:
    secret = Secret()
    token = Token(secret)
    old, other = Login(token), Login(token)
    old.get_credentials()
    other.get_credentials()
    clock(5)
    secret.value = "second"
    assert other.renew()
    assert old.renew()
    assert old.get_credentials() == ("second",)
    assert secret.asked == 2
    assert not old.renew()


async def test_nobody_waits_in_the_event_loop_while_another_token_is_fetched() -> None:
    fetching, go_on, fetches = threading.Event(), threading.Event(), iter(["first", "second"])

    def slow() -> str:
        token = next(fetches)
        if token == "second":  # noqa: S105 - it opens nothing
            fetching.set()
            assert go_on.wait(60)
        return token

    token = Token(slow)
    refused, other = Login(token), Login(token)
    refused.get_credentials()
    renewing = asyncio.create_task(refused.renew_async())
    async with asyncio.timeout(10):
        while not fetching.is_set():  # noqa: ASYNC110, RUF100 - the event belongs to a thread
            await asyncio.sleep(0.001)
    last_resort = threading.Timer(5, go_on.set)
    last_resort.start()
    began = asyncio.get_running_loop().time()
    assert await other.get_credentials_async() == ("first",)
    assert asyncio.get_running_loop().time() - began < 2
    last_resort.cancel()
    go_on.set()
    assert await renewing
