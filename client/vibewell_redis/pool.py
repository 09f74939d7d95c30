"""The pool for threads: blocking, bounded, and its idle connections are closed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from redis.backoff import NoBackoff
from redis.connection import BlockingConnectionPool
from redis.retry import Retry

from vibewell_redis import tls
from vibewell_redis.connection import RenewingConnection, TlsConnection, arguments_of, backoff
from vibewell_redis.credentials import token_of
from vibewell_redis.deciding import LONGEST_START
from vibewell_redis.settings import Settings


class IdleClosingPool(BlockingConnectionPool):
    """A connection idle for ``idle_seconds`` is closed, and opened again when it is needed."""

    def __init__(self, *, idle_seconds: float, **others: Any) -> None:
        self._idle_seconds = idle_seconds
        super().__init__(**others)  # type: ignore[no-untyped-call]

    def reset(self) -> None:
        """Start again, as at first and in a process that was forked."""
        self._reaper: threading.Timer | None = None
        self._reapers = threading.Lock()
        super().reset()  # type: ignore[no-untyped-call]

    def release(self, connection: Any) -> None:
        """Take a connection back."""
        if isinstance(connection, RenewingConnection):
            connection.released_at = time.monotonic()
        super().release(connection)  # type: ignore[no-untyped-call]
        if self._reaper is None:
            self._arm(self._idle_seconds)

    def _arm(self, seconds: float) -> None:
        """Let one timer, never two, close what is idle then."""
        with self._reapers, suppress(RuntimeError):  # no thread is started while Python ends
            if self._reaper is None:
                self._reaper = threading.Timer(seconds, self._close_idle)
                self._reaper.daemon = True
                self._reaper.start()

    def _close_idle(self) -> None:
        """Close what has been idle too long, and come back for the next."""
        now, wait = time.monotonic(), None
        # No thread can take a connection out of the queue meanwhile.
        with self.pool.mutex:
            for connection in self.pool.queue:
                if not isinstance(connection, RenewingConnection) or not connection.is_connected:
                    continue
                left = connection.released_at + self._idle_seconds - now
                if left <= 0:
                    connection.disconnect()  # type: ignore[no-untyped-call]
                else:
                    wait = left if wait is None else min(wait, left)
        self._reaper = None
        if wait is not None:
            self._arm(wait)


def connecting_to(settings: Settings) -> Callable[[tuple[str, int]], RenewingConnection]:
    """A function that makes one connection and logs in, once. It raises RedisError or OSError."""
    made = _kind(settings)
    arguments = arguments_of(settings, token_of(settings), tls.trust(), made)
    for name in ("host", "port", "max_connections"):
        del arguments[name]
    # The plan's time-out may be minutes: an attempt that hangs must not prevent the next one.
    longest = min(settings.timeout, LONGEST_START)
    arguments |= {"socket_timeout": longest, "socket_connect_timeout": longest}

    def connect(address: tuple[str, int]) -> RenewingConnection:
        host, port = address
        connection = made(host=host, port=port, retry=Retry(NoBackoff(), 0), **arguments)
        connection.connect()
        return connection

    return connect


def _kind(settings: Settings) -> type[RenewingConnection]:
    return TlsConnection if settings.tls else RenewingConnection


def connection_pool(settings: Settings) -> IdleClosingPool:
    """The pool of an application's process (§5.4): hand it to redis.Redis."""
    made = _kind(settings)
    return IdleClosingPool(
        connection_class=made,
        timeout=settings.timeout,
        idle_seconds=settings.pool_idle_seconds,
        retry=Retry(backoff(), settings.max_reconnect_attempts),
        **arguments_of(settings, token_of(settings), tls.trust(), made),
    )
