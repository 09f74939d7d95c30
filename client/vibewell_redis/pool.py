"""Connections and their pool for threads: blocking, bounded, and idle connections are closed."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from inspect import signature
from typing import Any

from redis.backoff import EqualJitterBackoff, NoBackoff
from redis.connection import BlockingConnectionPool, Connection, SSLConnection
from redis.exceptions import AuthenticationError, ReadOnlyError, RedisError
from redis.retry import Retry

from vibewell_redis import tls
from vibewell_redis.credentials import Login, Token, token_of
from vibewell_redis.deciding import LONGEST_START
from vibewell_redis.settings import Settings

# A failover is over within seconds: a longer wait between two attempts would only add to it.
BACKOFF_LEAST, BACKOFF_MOST = 0.01, 1.0  # seconds


def backoff() -> EqualJitterBackoff:
    """How long to wait between two attempts."""
    return EqualJitterBackoff(cap=BACKOFF_MOST, base=BACKOFF_LEAST)


def arguments_of(settings: Settings, made: type) -> dict[str, Any]:
    """Keyword arguments for a pool of such connections: the plan's timeout, as a ceiling.

    Raises ValueError for settings that have no Redis.
    """
    if settings.in_memory:
        raise ValueError("memory:// keeps no connections: only the limiter works without Redis")
    common: dict[str, Any] = {
        "host": settings.host,
        "port": settings.port,
        "max_connections": settings.pool_size,
        "socket_timeout": settings.timeout,
        "socket_connect_timeout": settings.timeout,
        # A demoted primary answers READONLY until the connection is made again.
        "retry_on_error": [ReadOnlyError],
        "token": token_of(settings),
        **_without_extras(made),
    }
    return common | ({"context": tls.trust()} if settings.tls else {})


def _without_extras(made: type) -> dict[str, Any]:
    """What this version of redis-py would also send at each login, left out.

    CLIENT SETINFO is unknown to Redis 6.2, and ElastiCache sends no notifications of maintenance:
    two round trips less.
    """
    makers = (vars(each).get("__init__") for each in made.__mro__[:-1])
    known = {name for each in makers if each for name in signature(each).parameters}
    left_out: dict[str, Any] = {}
    if "driver_info" in known:
        left_out["driver_info"] = None
    else:
        left_out |= {"lib_name": None, "lib_version": None}
    if "maint_notifications_config" in known:
        # It came with redis-py 7.
        from redis.maint_notifications import MaintNotificationsConfig

        left_out["maint_notifications_config"] = MaintNotificationsConfig(enabled=False)
    return left_out


class LoginRefusedError(RedisError):
    """Redis refuses the token, also the one that was read again.

    It is no ConnectionError on purpose: redis-py would try the same token again, ten times, and
    each refusal counts for the alarm on refused logins.
    """


class RenewingConnection(Connection):
    """Reads the token again and logs in once more when the first one is refused."""

    released_at = 0.0  # seconds of the monotonic clock

    def __init__(self, *, token: Token | None = None, **others: Any) -> None:
        login = None if token is None else Login(token)
        super().__init__(  # type: ignore[no-untyped-call]
            credential_provider=login, **others
        )

    def connect(self) -> None:
        """Connect and log in, if it is not. Raises LoginRefusedError."""
        self._renewing(super().connect)

    def connect_check_health(self, *arguments: Any, **named: Any) -> None:
        """The same, as redis-py 6 and later call it."""
        self._renewing(partial(super().connect_check_health, *arguments, **named))

    def on_connect(self) -> None:
        """Log in. Raises LoginRefusedError."""
        with refusals():
            super().on_connect()  # type: ignore[no-untyped-call]

    def on_connect_check_health(self, *arguments: Any, **named: Any) -> None:
        """The same, as redis-py 6 and later call it."""
        with refusals():
            super().on_connect_check_health(*arguments, **named)

    def _renewing(self, connect: Callable[[], None]) -> None:
        try:
            connect()
        except LoginRefusedError:
            login = self.credential_provider
            if not isinstance(login, Login) or not login.renew():
                raise
            connect()


@contextmanager
def refusals() -> Iterator[None]:
    """A refused token is a LoginRefusedError."""
    try:
        yield
    except AuthenticationError as refusal:
        raise LoginRefusedError(f"Redis refuses the token: {refusal}") from None


class TlsConnection(RenewingConnection, SSLConnection):
    """Certificate and name are checked by ``context``, which all connections share."""

    def __init__(self, *, context: ssl.SSLContext, **others: Any) -> None:
        super().__init__(**others)
        self._context = context

    def _connect(self) -> ssl.SSLSocket:
        # Instead of SSLConnection's, which makes a context for each connection.
        sock: socket.socket = Connection._connect(self)  # type: ignore[no-untyped-call] # noqa: SLF001
        try:
            return self._context.wrap_socket(sock, server_hostname=self.host)
        except BaseException:
            sock.close()
            raise


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
    arguments = arguments_of(settings, made)
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
        **arguments_of(settings, made),
    )
