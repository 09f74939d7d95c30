"""One connection of the limiter for threads: a command and its reply, by an absolute deadline."""

from __future__ import annotations

import os
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import hiredis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from vibewell_redis.connection import RenewingConnection

_BYTES = 65536
# After so many seconds a server may have closed it.
_SILENCE = 1.0
T = TypeVar("T")


class LateError(Exception):
    """There is no answer in time."""


class Wire:
    """A connection that is logged in; one thread at a time asks."""

    def __init__(self, connection: RenewingConnection, address: tuple[str, int]) -> None:
        self.address = address
        self._connection = connection
        # redis-py connects and logs in; it cannot keep an absolute deadline.
        self._socket: Any = connection._sock  # noqa: SLF001
        self._reader = hiredis.Reader(protocolError=RedisConnectionError, replyError=ResponseError)
        self._used_at = time.monotonic()

    def ask(self, words: Sequence[bytes | int], due: float) -> bytes:
        """The reply. Raises LateError, redis.ResponseError, redis.ConnectionError or OSError."""
        sock, reader, clock = self._socket, self._reader, time.monotonic
        packed = memoryview(hiredis.pack_command(words))  # type: ignore[arg-type] # any length
        while packed:
            # The time-out of a socket is that of one read or write, and of TLS often several.
            sock.settimeout(max(due - clock(), 0.0))
            packed = packed[_waited(sock.send, packed) :]
        reply: Any
        while (reply := reader.gets()) is False:
            sock.settimeout(max(due - clock(), 0.0))
            received = _waited(sock.recv, _BYTES)
            if not received:
                raise RedisConnectionError("Redis has closed the connection")
            reader.feed(received)
        self._used_at = clock()
        if isinstance(reply, Exception):
            raise reply
        found: bytes = reply
        return found

    def is_alive(self) -> bool:
        """False if the peer has closed it, as far as that can be known without asking."""
        if time.monotonic() - self._used_at < _SILENCE:
            return True
        try:
            self._socket.settimeout(0.0)
            _waited(self._socket.recv, 1)
        except LateError:
            return True
        except OSError:
            return False
        return False  # it is closed, or says what nobody has asked

    def interrupt(self) -> None:
        """Let the thread that waits for an answer have none."""
        # A copy of the descriptor: the socket itself is in use, and TLS must not be shut down.
        with suppress(OSError), socket.socket(fileno=os.dup(self._socket.fileno())) as copy:
            copy.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close it; the peer is not waited for. A process that was forked closes its copy alone."""
        self._connection.disconnect()  # type: ignore[no-untyped-call]


def _waited(call: Callable[[Any], T], about: object) -> T:
    try:
        return call(about)
    except (TimeoutError, BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
        raise LateError from None
