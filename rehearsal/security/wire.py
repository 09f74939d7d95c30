"""One connection over TLS on which anything can be said, well-formed or not."""

from __future__ import annotations

import socket
import ssl
from types import TracebackType
from typing import Any, Self

import hiredis

from rehearsal.security.outcome import NotHereError
from rehearsal.security.target import Address, Target

PATIENCE = 30  # seconds
_PIECE = 65536  # bytes

Word = str | bytes


class RefusedError(Exception):
    """The server's error reply; its first word is the code."""


class Wire:
    """A connection that is not logged in. Raises OSError when it does not come about or breaks."""

    def __init__(self, address: Address, trust: ssl.SSLContext) -> None:
        plain = socket.create_connection(address, timeout=PATIENCE)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            self._socket = trust.wrap_socket(plain, server_hostname=address.host)
        except OSError:
            plain.close()
            raise
        self._replies = hiredis.Reader(
            protocolError=ConnectionError,
            replyError=RefusedError,
            encoding="utf-8",
            errors="replace",
        )

    def __enter__(self) -> Self:
        """The connection itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """End the connection."""
        self._socket.close()

    def __call__(self, *words: Word) -> Any:
        """Send a command and return its reply. Raises RefusedError when that is an error."""
        self.send(packed(*words))
        return self.reply()

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._socket.sendall(data)

    def reply(self) -> Any:
        """The next reply. Raises RefusedError when it is an error."""
        while (found := self._replies.gets()) is False:
            data = self._socket.recv(_PIECE)
            if not data:
                raise ConnectionError("the server closed the connection")
            self._replies.feed(data)
        if isinstance(found, RefusedError):
            raise found
        return found


def packed(*words: Word) -> bytes:
    """A command as Redis' protocol writes it."""
    parts = [word.encode() if isinstance(word, str) else word for word in words]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(p), p) for p in parts)


def logged_in(target: Target, address: Address) -> Wire:
    """A connection that the token opened. Raises NotHereError when none was given."""
    if target.token is None:
        raise NotHereError("no token was given")
    wire = Wire(address, target.trust)
    try:
        wire("AUTH", target.token)
    except BaseException:
        wire.close()
        raise
    return wire
