import asyncio
import logging
import threading
from collections.abc import Callable

import pytest

from vibewell_redis import TokenUnavailableError
from vibewell_redis.credentials import Login, Token


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
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    now = 1000.0

    def advance(seconds: float) -> None:
        nonlocal now
        now += seconds

    monkeypatch.setattr("vibewell_redis.credentials.time.monotonic", lambda: now)
    return advance


@pytest.mark.plan("2.3")
def test_the_token_is_kept_for_300_seconds_and_then_fetched_anew(
    clock: Callable[[float], None],
) -> None:
    secret = Secret()
    token = Token(secret)
    assert token.get()[0] == "first"
    secret.value = "second"
    clock(299)
    assert token.get()[0] == "first"
    clock(2)
    assert token.get()[0] == "second"
    assert secret.asked == 2


@pytest.mark.plan("2.3")
def test_a_refused_token_is_fetched_anew_at_once(clock: Callable[[float], None]) -> None:
    secret = Secret()
    token = Token(secret)
    token.get()
    clock(5)
    secret.value = "second"
    assert token.renew("first", 1)
    assert token.get()[0] == "second"


def test_of_many_refused_connections_one_fetches(clock: Callable[[float], None]) -> None:
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


def test_a_secret_that_stays_refused_is_asked_for_once_a_login(
    clock: Callable[[float], None],
) -> None:
    secret = Secret()
    login = Login(Token(secret))
    login.get_credentials()
    assert [login.renew() for _ in range(100)] == [False] * 100
    assert secret.asked == 2
    clock(0)


def test_a_token_that_is_known_outlives_an_outage_of_secrets_manager(
    clock: Callable[[float], None], caplog: pytest.LogCaptureFixture
) -> None:
    secret = Secret()
    token = Token(secret)
    token.get()
    secret.broken = True
    clock(301)
    assert token.get()[0] == "first"
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


def test_without_any_token_the_outage_is_told_and_the_secret_is_not(
    clock: Callable[[float], None],
) -> None:
    secret = Secret("never-shown")
    secret.broken = True
    with pytest.raises(TokenUnavailableError, match="cannot be read: no way to Secrets") as said:
        Token(secret).get()
    assert "never-shown" not in str(said.value)
    assert "never-shown" not in repr(Token(secret))
    clock(0)


def test_a_connection_that_used_an_old_token_takes_the_one_another_has_fetched(
    clock: Callable[[float], None],
) -> None:
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


async def test_the_event_loop_goes_on_while_the_token_is_fetched() -> None:
    fetching, go_on = threading.Event(), threading.Event()

    def slow() -> str:
        fetching.set()
        assert go_on.wait(60)
        return "token"

    login = Login(Token(slow))
    asked = asyncio.create_task(login.get_credentials_async())
    while not fetching.is_set():  # noqa: ASYNC110, RUF100 - the event belongs to a thread
        await asyncio.sleep(0.001)
    go_on.set()
    assert await asked == ("token",)


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
