"""Connections that share one TLS context and read the token again when Redis refuses it."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any

from redis.asyncio.connection import Connection, SSLConnection

from vibewell_redis.connection import refusals
from vibewell_redis.credentials import Login, Token
from vibewell_redis.errors import LoginRefusedError


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
