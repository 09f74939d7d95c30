"""Limiters on real Redis 6.2 nodes: one group a session, or a group of its own for a test."""

import asyncio
import re
import secrets
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, cast

import boto3
import pytest
from moto import mock_aws

from emulator.bare_nodes import LIMITS
from emulator.fixtures import Nodes, Start, groups, node_context, nodes
from emulator.nodes.context import NodeContext
from emulator.nodes.group import Group
from emulator.nodes.users import User
from vibewell_redis import Decision, Settings, Source, tls
from vibewell_redis import RateLimiter as ThreadLimiter
from vibewell_redis.asyncio import RateLimiter
from vibewell_redis.asyncio.storage import RedisStorage
from vibewell_redis.testing import rate_limit_settings, rate_limiter

__all__ = ["LIMITS", "Start", "node_context", "nodes", "rate_limit_settings", "rate_limiter"]

Open = Callable[..., RateLimiter]
MakeSettings = Callable[..., Settings]


def variables(url: str, token: str, **others: str) -> dict[str, str]:
    """The plan's variables for a Redis."""
    return {
        "REDIS_ENABLED": "true",
        "REDIS_URL": url,
        "REDIS_PASSWORD": token,
        "REDIS_TLS": "true",
        "REDIS_TIMEOUT": "5000",
        "REDIS_MAX_RECONNECT_ATTEMPTS": "10",
        **LIMITS,
        **others,
    }


@pytest.fixture
def authority(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Path], None]]:
    """Let the client trust this file of authorities alone, as SSL_CERT_FILE does."""

    def trust(file: Path) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
        tls.trust.cache_clear()

    yield trust
    tls.trust.cache_clear()


@pytest.fixture
def settings(remote: MakeSettings) -> MakeSettings:
    """Redis: a module whose tests hold for memory too overrides it by `redis_or_memory`."""
    return remote


IN_REDIS = pytest.param("redis", marks=pytest.mark.servers)


@pytest.fixture(params=[IN_REDIS, "memory"])
def redis_or_memory(request: pytest.FixtureRequest) -> MakeSettings:
    """Settings for windows that Redis keeps, and for windows in this process's memory."""
    if request.param == "memory":
        return lambda **others: Settings.from_environment({"REDIS_URL": "memory://tests"} | others)
    found: MakeSettings = request.getfixturevalue("remote")
    return found


# For what concerns the way to Redis alone.
on_redis = pytest.mark.parametrize("redis_or_memory", [IN_REDIS], indirect=True)


@pytest.fixture
def remote(nodes: Nodes, authority: Callable[[Path], None]) -> MakeSettings:
    """Settings for the session's nodes; keywords are variables that differ."""
    authority(nodes.ca_file)

    def make(**others: str) -> Settings:
        return Settings.from_environment(variables(nodes.primary_url, nodes.token, **others))

    return make


@pytest.fixture
def start(node_context: NodeContext, authority: Callable[[Path], None]) -> Iterator[Start]:
    """Start a group of the test's own: three nodes of Redis 6.2 with one random token."""
    authority(node_context.ca_file)
    with groups(
        node_context, "client", lambda: {"users": (User.only(secrets.token_hex(32)),)}
    ) as run:
        yield run


def settings_of(group: Group, address: str | None = None, **others: str) -> Settings:
    """Settings for a group of the test's own, at its primary's address."""
    url = f"rediss://{address or group.endpoints.primary}:{group.spec.port}"
    return Settings.from_environment(variables(url, group.passwords[-1], **others))


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Iterator[boto3.Session]:
    """An account of AWS in memory."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        yield boto3.Session(region_name="us-east-1")


class Threaded:
    """The limiter for threads behind the verbs of asyncio, each call in a thread of its own."""

    def __init__(self, limiter: ThreadLimiter) -> None:
        self._limiter = limiter
        self._threads = ThreadPoolExecutor(300)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._limiter, name)
        if name not in ("hit", "test", "get_window_stats", "connect", "clear"):
            return found

        async def run(*arguments: str, **named: str) -> Any:
            call = partial(found, *arguments, **named)
            return await asyncio.get_running_loop().run_in_executor(self._threads, call)

        return run

    async def aclose(self) -> None:
        await asyncio.to_thread(self._limiter.close)


@pytest.fixture
def kind() -> str:
    """Which limiter it is: a module whose tests hold for threads too overrides it by `either`."""
    return "asyncio"


@pytest.fixture(params=["asyncio", "threads"])
def either(request: pytest.FixtureRequest) -> str:
    """The limiter for tasks, and the one for threads behind the same verbs."""
    return str(request.param)


# For what concerns the limiter for tasks alone, in such a module.
of_tasks = pytest.mark.parametrize("either", ["asyncio"], indirect=True)


@pytest.fixture
def prefix() -> str:
    """Keys of the test's own, which several limiters share."""
    return f"t{secrets.token_hex(4)}"


@pytest.fixture
async def open_limiter(kind: str, prefix: str) -> AsyncIterator[Open]:
    """Limiters that are closed at the end; each has a prefix of its own unless one is given."""
    opened: list[Any] = []

    def run(settings: Settings, **options: Any) -> Any:
        # A test that waits for Redis itself must not be decided by a busy machine.
        found: dict[str, Any] = {"deadline": 30.0, "prefix": f"{prefix}_{len(opened)}"} | options
        if kind == "asyncio":
            opened.append(RateLimiter.from_settings(settings, **found))
        else:
            opened.append(Threaded(ThreadLimiter.from_settings(settings, **found)))
        return opened[-1]

    yield run
    for limiter in opened:
        await limiter.aclose()


@pytest.fixture
async def limiter(settings: MakeSettings, open_limiter: Open) -> RateLimiter:
    """A limiter on the session's nodes, with keys of its own."""
    found = open_limiter(settings())
    assert await found.connect()
    return found


def storage_of(limiter: RateLimiter) -> RedisStorage:
    assert limiter.storage is not None
    return cast("RedisStorage", limiter.storage)  # or what has the same counts and denials


async def eventually(condition: Callable[[], object], seconds: float = 60.0) -> None:
    """Wait until it holds; AssertionError when it does not in this time."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)


async def decided_by_redis(
    limiter: RateLimiter, tier: str, user: str, seconds: float = 120.0
) -> Decision:
    """What Redis says, asked again until it does; TimeoutError when it does not in this time."""
    async with asyncio.timeout(seconds):
        while (decision := await limiter.test(tier, user=user)).source is not Source.REDIS:
            await asyncio.sleep(0.01)
    return decision


# The server's side of ASGI: one request, handshake or life; and a reader of the fields.

_ITEM = re.compile(
    r'"((?:[ !#-\[\]-~]|\\["\\])*)"((?:; *[a-z*][a-z0-9_.*-]*=-?\d{1,15})*)(?:[ \t]*,[ \t]*(?=")|$)'
)

Items = list[tuple[str, dict[str, int]]]


def read_list(field: str) -> Items:
    """A List of Strings with parameters that are Integers, or an AssertionError."""
    items, end = [], 0
    while end < len(field):
        item = _ITEM.match(field, end)
        assert item is not None, f"no member at {field[end:]!r}"
        parameters = dict(pair.split("=") for pair in item[2].replace(" ", "").split(";")[1:])
        items.append((item[1], {name: int(value) for name, value in parameters.items()}))
        end = item.end()
    assert items, "no member"
    return items


class Decided:
    """Gives one decision in the limiter's place; it limits nothing itself."""

    def __init__(self, decision: Decision) -> None:
        self.decision = decision
        self.asked: list[tuple[tuple[str, ...], dict[str, str]]] = []
        self.life: list[str] = []

    async def hit(self, *tiers: str, **identifiers: str) -> Decision:
        self.asked.append((tiers, identifiers))
        return self.decision

    async def connect(self) -> None:
        self.life.append("connected")

    async def aclose(self) -> None:
        self.life.append("closed")


def request(path: str = "/", **more: Any) -> dict[str, Any]:
    """An HTTP scope."""
    scope = {"type": "http", "method": "GET", "path": path, "headers": []}
    return scope | {"client": ("203.0.113.7", 4321)} | more


def handshake(path: str = "/", **more: Any) -> dict[str, Any]:
    """A WebSocket scope of a server that can send a response instead of the handshake."""
    extensions: dict[str, Any] = {"websocket.http.response": {}}
    return request(path, type="websocket", extensions=extensions) | more


async def served(
    app: Any, scope: dict[str, Any], messages: Iterable[str] = ()
) -> list[dict[str, Any]]:
    """What the application sends when it is called; it receives messages of these types."""
    sent: list[dict[str, Any]] = []
    waiting = iter(messages)

    async def receive() -> dict[str, Any]:
        return {"type": next(waiting)}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent
