"""The same connections as in ``asyncio``, for threads."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from redis.connection import Connection, SSLConnection
from redis.exceptions import AuthenticationError

from vibewell_redis.credentials import Login, Token
from vibewell_redis.errors import LoginRefusedError


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
