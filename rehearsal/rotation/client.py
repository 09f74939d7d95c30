"""A client of Redis that reads its token from Secrets Manager as a developer is told to."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from socket import socket
from typing import Any

from redis import ConnectionPool, Redis
from redis.backoff import NoBackoff
from redis.connection import SSLConnection
from redis.credentials import CredentialProvider
from redis.exceptions import AuthenticationError
from redis.retry import Retry

_PATIENCE = 30.0  # seconds for a connection, and for an answer


@dataclass(frozen=True)
class Habits:
    """How a client treats its connections, in seconds, and a login that is refused.

    One that is not `careful` does not even read the secret anew when its login is refused: it
    lives by its cache alone, so every token that is retired too early makes it fail.
    """

    connection_lifetime: float
    careful: bool


class TokenOfSecret(CredentialProvider):
    """The secret's value, kept for `cache` seconds; `logins` counts how often it was handed out."""

    def __init__(self, read: Callable[[], str], cache: float) -> None:
        self._read = read
        self._cache = cache
        self._token: str | None = None
        self._read_at = 0.0
        self.logins = 0

    def get_credentials(self) -> tuple[str]:
        """What redis-py logs in with; it asks at each new connection."""
        self.logins += 1
        if self._token is None or time.monotonic() > self._read_at + self._cache:
            self._token = self._read()
            self._read_at = time.monotonic()
        return (self._token,)

    def forget(self) -> None:
        """Read the secret at the next login."""
        self._token = None


class Client:
    """One client with a pool for each address; `trust` is the one SSL context of its process."""

    def __init__(
        self,
        addresses: tuple[str, ...],
        port: int,
        trust: ssl.SSLContext,
        token: TokenOfSecret,
        habits: Habits,
    ) -> None:
        self._habits = habits
        self._token = token
        self._pools = [_pool(address, port, trust, token) for address in addresses]
        self._redis = [Redis.from_pool(pool) for pool in self._pools]
        self._since = time.monotonic()
        self.refused = 0

    def call(self, address: int, *words: str) -> Any:
        """Run a command at the address of that number.

        Raises what redis-py raises; a careful client has then tried again with the secret read
        anew, once.
        """
        redis = self._redis[address]
        try:
            return redis.execute_command(*words)  # type: ignore[no-untyped-call]
        except AuthenticationError:
            self.refused += 1
            if not self._habits.careful:
                raise
            self._token.forget()
            return redis.execute_command(*words)  # type: ignore[no-untyped-call]

    def reconnect_when_due(self) -> None:
        """Close connections that have had their time, so that there are logins all the time."""
        if time.monotonic() > self._since + self._habits.connection_lifetime:
            self.close()
            self._since = time.monotonic()

    def close(self) -> None:
        """Close every connection."""
        for pool in self._pools:
            pool.disconnect()


class _Trusting(SSLConnection):
    """redis-py makes an SSL context for each connection, and reads all certificates each time."""

    def __init__(self, *, trust: ssl.SSLContext, **rest: Any) -> None:
        self._trust = trust
        super().__init__(**rest)

    def _wrap_socket_with_ssl(self, sock: socket) -> ssl.SSLSocket:
        return self._trust.wrap_socket(sock, server_hostname=self.host)


def _pool(host: str, port: int, trust: ssl.SSLContext, token: TokenOfSecret) -> ConnectionPool:
    return ConnectionPool(
        connection_class=_Trusting,
        host=host,
        port=port,
        trust=trust,
        credential_provider=token,
        socket_connect_timeout=_PATIENCE,
        socket_timeout=_PATIENCE,
        # redis-py would else try a refused login again and again with the same token.
        retry=Retry(NoBackoff(), 0),
        decode_responses=True,
        protocol=2,
        driver_info=None,
    )
