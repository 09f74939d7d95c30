"""A pool that lends connections in the order in which they are asked for, and closes idle ones."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, cast

from redis.asyncio import ConnectionPool
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.exceptions import ConnectionError as RedisConnectionError

from vibewell_redis import tls
from vibewell_redis.asyncio.connection import RenewingConnection, TlsConnection
from vibewell_redis.connection import arguments_of, backoff
from vibewell_redis.credentials import token_of
from vibewell_redis.settings import Settings


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
        **arguments_of(settings, token_of(settings), tls.trust(), made),
    )
