"""Connections that share one TLS context and fetch the token anew when Redis refuses it."""

from __future__ import annotations

import ssl
from typing import Any

from redis.asyncio.connection import Connection, SSLConnection
from redis.exceptions import AuthenticationError

from vibewell_redis.credentials import Token
from vibewell_redis.errors import LoginRefusedError


class RenewingConnection(Connection):
    """Logs in once more, with the token fetched anew, when the one it had is refused."""

    host: str
    port: int
    released_at = 0.0  # seconds of the event loop's clock

    async def connect_check_health(
        self, check_health: bool = True, retry_socket_connect: bool = True
    ) -> None:
        """Connect and log in, if it is not. Raises LoginRefusedError."""
        token = self.credential_provider
        generation = token.generation if isinstance(token, Token) else 0
        try:
            await super().connect_check_health(check_health, retry_socket_connect)
        except LoginRefusedError:
            if not isinstance(token, Token) or not await token.renew_async(generation):
                raise
            await super().connect_check_health(check_health, retry_socket_connect)

    async def on_connect_check_health(self, check_health: bool = True) -> None:
        """Log in. Raises LoginRefusedError."""
        try:
            await super().on_connect_check_health(check_health)
        except AuthenticationError as refusal:
            raise LoginRefusedError(f"Redis refuses the token: {refusal}") from None


class TlsConnection(RenewingConnection, SSLConnection):
    """Certificate and name are checked by ``context``, which all connections share."""

    def __init__(self, *, context: ssl.SSLContext, **others: Any) -> None:
        super().__init__(**others)
        self.ssl_context.context = context
