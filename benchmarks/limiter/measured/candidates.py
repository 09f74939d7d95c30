"""The limiters that are measured, each used as its own documentation says.

All of the others have redis.asyncio's pool with a fair queue in front of it, or redis-py's for
threads. redis.asyncio's BlockingConnectionPool hands a freed connection to whoever asks next, and
the task that freed it asks first: of 100 busy tasks 20 are served and 80 starve.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import limits
import redis
import throttled
import throttled.asyncio
from limits.aio.storage import RedisStorage as AsyncStorage
from limits.aio.strategies import MovingWindowRateLimiter as AsyncMoving
from limits.aio.strategies import SlidingWindowCounterRateLimiter as AsyncCounter
from limits.storage import RedisStorage
from limits.strategies import MovingWindowRateLimiter, SlidingWindowCounterRateLimiter
from redis.asyncio import ConnectionPool
from redis.asyncio.connection import AbstractConnection, SSLConnection

import vibewell_redis
import vibewell_redis.asyncio
from vibewell_redis.settings import TIERS, Settings

POOL_SIZE = 20  # §5.4, for every candidate alike
PATIENCE = 60  # seconds to connect: it is nobody's speed, on however busy a machine
THREADED = " in threads"  # behind a name: the limiter's form for threads
TIER = TIERS[0]
NOT_REDIS = {"fallback_allowed", "fallback_denied", "disabled"}

Told = Sequence[tuple[int, float]] | None  # remaining and seconds until more, of user and address


@dataclass(frozen=True)
class Access:
    """One node, over TLS, with the token; at most `requests` of a key in any `seconds`."""

    host: str
    port: int
    ca_file: str
    token: str = field(repr=False)
    requests: int = 120
    seconds: int = 60
    deadline: float | None = None  # seconds; only ours has one, None is its own default

    @property
    def url(self) -> str:
        """The node as a URL, without the token."""
        return f"rediss://{self.host}:{self.port}"

    @property
    def settings(self) -> Settings:
        """Ours' settings, as an application has them."""
        # The package trusts what OpenSSL trusts; only the rehearsal's authority has signed this.
        os.environ["SSL_CERT_FILE"] = self.ca_file
        limit = f"{self.requests},{self.seconds}"
        return Settings.from_environment(
            {
                "REDIS_ENABLED": "true",
                "REDIS_URL": self.url,
                "REDIS_PASSWORD": self.token,
                "REDIS_TLS": "true",
                "REDIS_TIMEOUT": str(1000 * PATIENCE),
                "REDIS_MAX_RECONNECT_ATTEMPTS": "10",
                "REDIS_POOL_SIZE": str(POOL_SIZE),
                **{f"RATE_LIMIT_{tier.upper()}": limit for tier in TIERS},
            }
        )


class Candidate:
    """A limiter for tasks. `hit` decides over one key, `told` says what its headers would."""

    def __init__(
        self,
        hit: Callable[[str], Awaitable[bool]],
        told: Callable[[str], Awaitable[tuple[int, float]]] | None = None,
        pool: ConnectionPool | None = None,
    ) -> None:
        self.hit, self.told, self.pool = hit, told, pool

    async def connect(self) -> None:
        """Open all connections, one after the other: each makes a TLS context of its own.

        At once they need more than redis-py's five seconds on a busy machine.
        """
        if self.pool is None:  # throttled-py makes its own
            await asyncio.gather(*(self.hit(f"warm:{number}") for number in range(2 * POOL_SIZE)))
            return
        opened = [await self.pool.get_connection() for _ in range(POOL_SIZE)]  # type: ignore[no-untyped-call]
        for connection in opened:
            await self.pool.release(connection)

    async def one(self, user: str, ip: str) -> bool:  # noqa: ARG002 - the load's signature
        """Decide over the user alone."""
        return await self.hit(f"user:{user}")

    async def both(self, user: str, ip: str) -> bool:
        """Decide over both, the second only if the first admits."""
        return await self.hit(f"user:{user}") and await self.hit(f"ip:{ip}")

    async def headers(self, user: str, ip: str) -> Told:
        """Decide over both, and say of each what headers need; None when it is denied."""
        assert self.told is not None  # noqa: S101 - each library has it
        if not await self.both(user, ip):
            return None
        return [await self.told(f"user:{user}"), await self.told(f"ip:{ip}")]


class Threaded:
    """A library for threads, which call `one` and `both`."""

    def __init__(self, hit: Callable[[str], Any]) -> None:
        self.hit = hit

    async def connect(self) -> None:
        """Decide once; warming up opens the other connections."""
        self.hit("warm")

    def one(self, user: str, ip: str) -> bool:  # noqa: ARG002 - the load's signature
        """Decide over the user alone."""
        return bool(self.hit(f"user:{user}"))

    def both(self, user: str, ip: str) -> bool:
        """Decide over both, the second only if the first admits."""
        return bool(self.hit(f"user:{user}") and self.hit(f"ip:{ip}"))


class Ours:
    """User and address are one decision, which says what the headers need."""

    def __init__(self, access: Access, kind: Any) -> None:
        patience = {} if access.deadline is None else {"deadline": access.deadline}
        self._limiter = kind.from_settings(access.settings, **patience)

    async def connect(self) -> None:
        """Log in. Raises ConnectionError if it cannot."""
        connected = self._limiter.connect()
        if not (connected if isinstance(connected, bool) else await connected):
            raise ConnectionError("the limiter cannot reach Redis")

    # Of tasks, whose answers are awaited; threads are given them at once.
    def one(self, user: str, ip: str) -> Any:  # noqa: ARG002 - the load's signature
        """Decide over the user alone."""
        return self._limiter.hit(TIER, user=user)

    def both(self, user: str, ip: str) -> Any:
        """Decide over both."""
        return self._limiter.hit(TIER, user=user, ip=ip)

    async def headers(self, user: str, ip: str) -> Told:
        """The same, and what it says."""
        decision = await self._limiter.hit(TIER, user=user, ip=ip)
        if not decision:
            return None
        return [(window.remaining, window.reset_after) for window in decision.windows]

    def unmeasured(self) -> int:
        """Answers that were given without Redis."""
        counts = self._limiter.counts.items()
        return sum(times for (_, outcome), times in counts if outcome in NOT_REDIS)


class FairPool(ConnectionPool):
    """At most POOL_SIZE connections; whoever waits longest gets the next free one."""

    def __init__(self, **options: Any) -> None:
        patient = {"socket_connect_timeout": PATIENCE}
        super().__init__(max_connections=POOL_SIZE, **patient | options)
        self._turn = asyncio.Semaphore(POOL_SIZE)

    async def get_connection(
        self, command_name: str | None = None, *keys: Any, **options: Any
    ) -> AbstractConnection:
        """A connection, as soon as one is free."""
        del command_name, keys, options  # redis-py has no use for them either
        await self._turn.acquire()
        try:
            connection: AbstractConnection = await super().get_connection()  # type: ignore[no-untyped-call]
        except BaseException:
            self._turn.release()
            raise
        return connection

    async def release(self, connection: AbstractConnection) -> None:
        """Give a connection back, and let the next one have it."""
        try:
            await super().release(connection)
        finally:
            self._turn.release()


def make(name: str, access: Access) -> Any:
    """The candidate of this name, within a running event loop. Raises KeyError."""
    item = limits.RateLimitItemPerSecond(access.requests, access.seconds)
    if name.startswith("ours"):
        kinds = vibewell_redis.asyncio, vibewell_redis
        return Ours(access, kinds[name.endswith(THREADED)].RateLimiter)
    if name.endswith(THREADED):
        if name.startswith("throttled"):
            limit = _throttled(access, throttled, {})
            return Threaded(lambda key: not limit(key).limited)
        storage = RedisStorage(access.url, connection_pool=_threads_pool(access))
        kinds_of_windows = {
            "limits moving": MovingWindowRateLimiter,
            "limits counter": SlidingWindowCounterRateLimiter,
        }
        strategy = kinds_of_windows[name.removesuffix(THREADED)](storage)
        return Threaded(lambda key: strategy.hit(item, key))
    if name == "throttled-py":
        return _ThrottledPy(access)
    pool = FairPool(
        connection_class=SSLConnection,
        host=access.host,
        port=access.port,
        password=access.token,
        ssl_ca_certs=access.ca_file,
    )
    url = f"async+{access.url}"
    async_storage = AsyncStorage(url, implementation="redispy", connection_pool=pool)
    kinds_of_tasks = {"limits moving": AsyncMoving, "limits counter": AsyncCounter}
    windows = kinds_of_tasks[name](async_storage)

    async def told(key: str) -> tuple[int, float]:
        found = await windows.get_window_stats(item, key)
        return found.remaining, found.reset_time - time.time()

    return Candidate(lambda key: windows.hit(item, key), told, pool)


class _ThrottledPy(Candidate):
    """Its result has what its own integrations put into the headers: no second call."""

    def __init__(self, access: Access) -> None:
        pool = {"CONNECTION_POOL_CLASS": f"{FairPool.__module__}.{FairPool.__name__}"}
        self._limit = _throttled(access, throttled.asyncio, pool)
        super().__init__(self._hit)

    async def _hit(self, key: str) -> bool:
        return not (await self._limit(key)).limited

    async def headers(self, user: str, ip: str) -> Told:
        told = []
        for key in (f"user:{user}", f"ip:{ip}"):
            result = await self._limit(key)
            if result.limited:
                return None
            told.append((result.state.remaining, result.state.reset_after))
        return told


def _throttled(access: Access, kind: Any, pool: dict[str, str]) -> Any:
    options = {
        "CONNECTION_POOL_KWARGS": {"ssl_ca_certs": access.ca_file},
        "PASSWORD": access.token,
        **pool,
    }
    limiter = kind.Throttled(
        using=kind.RateLimiterType.SLIDING_WINDOW.value,  # the only one of its that slides
        quota=kind.per_duration(timedelta(seconds=access.seconds), access.requests),
        store=kind.RedisStore(server=access.url, options=options),
    )
    return limiter.limit


def _threads_pool(access: Access) -> Any:
    # A thread may always have a connection: no library is measured waiting for the pool.
    client = redis.Redis(
        host=access.host,
        port=access.port,
        password=access.token,
        ssl=True,
        ssl_ca_certs=access.ca_file,
        max_connections=4 * POOL_SIZE,
    )
    return client.connection_pool
