"""The same connections as in ``asyncio``, for threads."""

from __future__ import annotations

import socket
import ssl
from typing import Any

from redis.connection import Connection, SSLConnection
from redis.exceptions import AuthenticationError

from vibewell_redis.credentials import Token
from vibewell_redis.errors import LoginRefusedError


class RenewingConnection(Connection):
    """Logs in once more, with the token fetched anew, when the one it had is refused."""

    released_at = 0.0  # seconds of the monotonic clock

    def connect_check_health(
        self, check_health: bool = True, retry_socket_connect: bool = True
    ) -> None:
        """Connect and log in, if it is not. Raises LoginRefusedError."""
        token = self.credential_provider
        generation = token.generation if isinstance(token, Token) else 0
        try:
            super().connect_check_health(check_health, retry_socket_connect)
        except LoginRefusedError:
            if not isinstance(token, Token) or not token.renew(generation):
                raise
            super().connect_check_health(check_health, retry_socket_connect)

    def on_connect_check_health(self, check_health: bool = True) -> None:
        """Log in. Raises LoginRefusedError."""
        try:
            super().on_connect_check_health(check_health)
        except AuthenticationError as refusal:
            raise LoginRefusedError(f"Redis refuses the token: {refusal}") from None


class TlsConnection(RenewingConnection, SSLConnection):
    """Certificate and name are checked by ``context``, which all connections share."""

    def __init__(self, *, context: ssl.SSLContext, **others: Any) -> None:
        super().__init__(**others)
        self._context = context

    def _wrap_socket_with_ssl(self, sock: socket.socket) -> ssl.SSLSocket:
        return self._context.wrap_socket(sock, server_hostname=self.host)
