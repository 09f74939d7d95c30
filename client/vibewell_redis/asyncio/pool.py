"""Connections of one event loop, and a pool that lends them in the order of the requests.

They share one TLS context, and read the token again when Redis refuses it.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any, cast

from redis.asyncio import ConnectionPool
from redis.asyncio.connection import AbstractConnection, Connection, SSLConnection
from redis.asyncio.retry import Retry
from redis.exceptions import ConnectionError as RedisConnectionError

from vibewell_redis.credentials import Login, Token
from vibewell_redis.pool import LoginRefusedError, arguments_of, backoff, refusals
from vibewell_redis.settings import Settings


class RenewingConnection(Connection):
    """Reads the token again and logs in once more when the first one is refused."""

    host: str
    port: int
    released_at = 0.0  # seconds of the event loop's clock

    def __init__(self, *, token: Token | None = None, **others: Any) -> None:
        login = None if token is None else Login(token)
        super().__init__(credential_provider=login, **others)

    async def connect(self) -> None:
        """Connect and log in, if it is not. Raises LoginRefusedError."""
        await self._renewing(super().connect)

    async def connect_check_health(self, *arguments: Any, **named: Any) -> None:
        """The same, as redis-py 6 and later call it."""
        await self._renewing(partial(super().connect_check_health, *arguments, **named))

    async def on_connect(self) -> None:
        """Log in. Raises LoginRefusedError."""
        with refusals():
            await super().on_connect()

    async def on_connect_check_health(self, *arguments: Any, **named: Any) -> None:
        """The same, as redis-py 6 and later call it."""
        with refusals():
            await super().on_connect_check_health(*arguments, **named)

    async def _renewing(self, connect: Callable[[], Awaitable[None]]) -> None:
        try:
            await connect()
        except LoginRefusedError:
            login = self.credential_provider
            if not isinstance(login, Login) or not await login.renew_async():
                raise
            await connect()

    def write(self, packed: bytes) -> None:
        """Send without waiting: redis-py makes a task for each wait, and a batch is small.

        A connection that is lost shows in the answer that never comes.
        """
        if self._writer is not None:
            self._writer.write(packed)

    def abandon(self) -> None:
        """Close it without its event loop, which is closed."""
        writer, self._writer, self._reader = self._writer, None, None
        if writer is not None:
            with suppress(RuntimeError, AttributeError):
                # asyncio shows a stand-in, whose socket its closed loop would close too late.
                writer.get_extra_info("socket")._sock.close()  # noqa: SLF001
                writer.transport.abort()

    async def disconnect(self, nowait: bool = False, *arguments: Any, **named: Any) -> None:
        """Close it; ``nowait`` when the peer is not to be waited for.

        A peer that hangs does not answer TLS' farewell either, and would hold the socket for the
        30 seconds that asyncio gives it.
        """
        if nowait and self._writer is not None:
            self._writer.transport.abort()
        await super().disconnect(nowait, *arguments, **named)


class TlsConnection(RenewingConnection, SSLConnection):
    """Certificate and name are checked by ``context``, which all connections share."""

    def __init__(self, *, context: ssl.SSLContext, **others: Any) -> None:
        super().__init__(**others)
        self.ssl_context.context = context


class FairConnectionPool(ConnectionPool):
    """At most ``max_connections``; the longest waiting task is served first.

    redis-py's blocking pool gives a connection to any task that comes: of 100 busy tasks on 20
    connections, 20 were ever served. ``wait_seconds`` bounds the wait for a connection; one that
    is idle for ``idle_seconds`` is closed. Belongs to one event loop.
    """

    def __init__(self, *, wait_seconds: float, idle_seconds: float, **others: Any) -> None:
        super().__init__(**others)
        self._wait_seconds = wait_seconds
        self._idle_seconds = idle_seconds
        # All of them are made with the connection class that was given.
        self._idle = cast("list[RenewingConnection]", self._available_connections)
        self._waiting: deque[asyncio.Future[RenewingConnection]] = deque()
        self._reaper: asyncio.Task[None] | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Where connections lead; setting it moves each one before its next use."""
        return self.connection_kwargs["host"], self.connection_kwargs["port"]

    @address.setter
    def address(self, address: tuple[str, int]) -> None:
        self.connection_kwargs["host"], self.connection_kwargs["port"] = address

    async def get_connection(
        self, command_name: Any = None, *keys: Any, **options: Any
    ) -> RenewingConnection:
        """A connection that is logged in. Raises redis.ConnectionError when none comes free."""
        del command_name, keys, options  # redis-py has no use for them either
        connection = self._take() or await self._wait()
        try:
            if (connection.host, connection.port) != self.address:
                await connection.disconnect()
                connection.host, connection.port = self.address
            await self.ensure_connection(connection)
        except BaseException:
            await self.release(connection)
            raise
        return connection

    async def release(self, connection: AbstractConnection) -> None:
        """Take a connection back, or hand it to the task that waits longest."""
        connection = cast("RenewingConnection", connection)
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(connection)
                return
        self._in_use_connections.discard(connection)
        connection.released_at = asyncio.get_running_loop().time()
        self._idle.append(connection)
        if self._reaper is None:
            self._reaper = asyncio.get_running_loop().create_task(self._close_idle())

    async def aclose(self) -> None:
        """Close every connection."""
        if self._reaper is not None:
            self._reaper.cancel()
            self._reaper = None
        await super().aclose()

    def abandon(self) -> None:
        """Close what a closed event loop has left behind, whose farewells cannot be waited for."""
        for connection in [*self._idle, *self._in_use_connections]:
            connection.abandon()  # type: ignore[attr-defined]
        self._idle.clear()
        self._in_use_connections.clear()

    def _take(self) -> RenewingConnection | None:
        if self._idle:
            connection = self._idle.pop()
        elif len(self._in_use_connections) < self.max_connections:
            connection = self.make_connection()  # type: ignore[no-untyped-call]
        else:
            return None
        self._in_use_connections.add(connection)
        return connection

    async def _wait(self) -> RenewingConnection:
        waiter: asyncio.Future[RenewingConnection] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        try:
            async with asyncio.timeout(self._wait_seconds):
                return await waiter
        except TimeoutError:
            await self._pass_on(waiter)
            raise RedisConnectionError(
                f"none of {self.max_connections} connections came free in {self._wait_seconds:g} s"
            ) from None
        except BaseException:
            await self._pass_on(waiter)
            raise

    async def _pass_on(self, waiter: asyncio.Future[RenewingConnection]) -> None:
        """The waiting task has gone: a connection that it was given meanwhile goes to the next."""
        if waiter.done() and not waiter.cancelled():
            await self.release(waiter.result())
        waiter.cancel()

    async def _close_idle(self) -> None:
        """Close what has been idle too long; the one that was given back first is the first."""
        clock = asyncio.get_running_loop().time
        try:
            while self._idle:
                due = self._idle[0].released_at + self._idle_seconds
                if due > clock():
                    await asyncio.sleep(due - clock())
                else:
                    # A peer that hangs must not keep the others from being closed.
                    await self._idle.pop(0).disconnect(nowait=True)
        finally:
            self._reaper = None


def connection_pool(settings: Settings) -> FairConnectionPool:
    """The pool of an application's process (§5.4): hand it to redis.asyncio.Redis and to storage.

    One pool serves both, so that the connection budget of the deployment holds.
    """
    return connection_pool_of(settings)()


def connection_pool_of(settings: Settings) -> Callable[[], FairConnectionPool]:
    """A function that makes such pools, which share one token. Raises ValueError or OSError."""
    made = TlsConnection if settings.tls else RenewingConnection
    return partial(
        FairConnectionPool,
        connection_class=made,
        wait_seconds=settings.timeout,
        idle_seconds=settings.pool_idle_seconds,
        retry=Retry(backoff(), settings.max_reconnect_attempts),
        **arguments_of(settings, made),
    )
