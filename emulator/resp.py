"""Just enough of Redis' protocol to ask a node something over TLS."""

import socket
import ssl
from pathlib import Path
from types import TracebackType
from typing import Any, Self

_PATIENCE = 60  # seconds


class RefusedError(Exception):
    """The server's error reply; its first word is the code."""


class Redis:
    """One connection; `authority` verifies the certificate, None speaks without TLS."""

    def __init__(self, host: str, port: int, authority: Path | None) -> None:
        plain = socket.create_connection((host, port), timeout=_PATIENCE)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = plain
        if authority is not None:
            trust = ssl.create_default_context(cafile=str(authority))
            self._socket = trust.wrap_socket(plain, server_hostname=host)
        self._replies = self._socket.makefile("rb")

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
        self._replies.close()
        self._socket.close()

    def __call__(self, *words: str) -> Any:
        """Send a command and return its reply; RefusedError when it is an error."""
        parts = [word.encode() for word in words]
        self._socket.sendall(
            b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(p), p) for p in parts)
        )
        return self._reply()

    def _reply(self) -> Any:
        line = self._replies.readline()
        if not line:
            raise ConnectionError("the server closed the connection")
        kind, rest = line[:1], line[1:-2].decode()
        match kind:
            case b"+":
                return rest
            case b"-":
                raise RefusedError(rest)
            case b":":
                return int(rest)
            case b"$":
                size = int(rest)
                return None if size < 0 else self._replies.read(size + 2)[:-2].decode()
            case b"*":
                return [self._reply() for _ in range(int(rest))]
            case _:
                raise ConnectionError(f"not a reply of Redis: {line!r}")
