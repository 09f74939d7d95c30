"""The pool of every candidate but ours: redis.asyncio's own, with a fair queue before it.

redis.asyncio's BlockingConnectionPool hands a freed connection to whoever asks next, and the task
that freed it asks first: of 100 busy tasks 20 are served and 80 starve. A queue is kinder to what
is measured with it: every task is served, for less CPU.
"""

from __future__ import annotations

import asyncio
from typing import Any

from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.connection import AbstractConnection, SSLConnection

from benchmarks.limiter.measured.access import PATIENCE, POOL_SIZE, Access


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


def pool(access: Access) -> FairPool:
    """Twenty verified TLS connections that log in with the token."""
    return FairPool(
        connection_class=SSLConnection,
        host=access.host,
        port=access.port,
        password=access.token,
        ssl_ca_certs=access.ca_file,
    )


async def warm(client: Redis) -> None:
    """Open all connections before anything is measured, one after the other.

    At once they would need more than redis-py's five seconds on a busy machine: each makes a TLS
    context of its own.
    """
    pool = client.connection_pool
    opened = [await pool.get_connection() for _ in range(POOL_SIZE)]  # type: ignore[no-untyped-call]
    for connection in opened:
        await pool.release(connection)
