"""Real loads on the nodes, each as a client of Redis would cause it."""

import secrets
import socket
import ssl
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from redis import Redis
from redis.exceptions import AuthenticationError

from emulator.nodes.server import connect

_PATIENCE = 30  # seconds
# Bytes of one key: larger ones take a quarter more memory on a replica than on the primary.
_PIECE = 28_000
# Keys that one command writes: its text stands in memory beside them.
_A_CALL = 10
_KEY = "rehearsal:drill:{}"


@dataclass(frozen=True)
class Site:
    """Where the primary is, and how to log in."""

    host: str
    port: int
    authority: Path
    token: str = field(repr=False)

    def connect(self) -> Redis:
        """A client that is logged in."""
        return connect(self.host, self.port, ca_file=str(self.authority), password=self.token)


class Load(Protocol):
    """Something that goes on: `minute` does a minute's share of it, `end` undoes it."""

    def minute(self) -> None:
        """Do what belongs into one CloudWatch minute."""

    def end(self) -> None:
        """Leave the nodes as they were."""


Loading = Callable[[Site], Load]


class Keys:
    """Fills the primary's memory up to `share` of its maxmemory, and `more` keys every minute."""

    def __init__(self, site: Site, *, share: float, more: int = 0) -> None:
        self._open = ExitStack()
        self._redis = self._open.enter_context(site.connect())
        self._share = share
        self._more = more
        self._written = 0

    def minute(self) -> None:
        """Write what is missing."""
        left = self._missing() + self._more
        while left > 0:
            names = [_KEY.format(self._written + number) for number in range(min(left, _A_CALL))]
            self._redis.mset(dict.fromkeys(names, "x" * _PIECE))
            self._written += len(names)
            left -= len(names)

    def end(self) -> None:
        """Delete every key that was written."""
        if self._written:
            self._redis.delete(*map(_KEY.format, range(self._written)))
        self._open.close()

    def _missing(self) -> int:
        memory = self._redis.info("memory")
        missing = self._share * int(memory["maxmemory"]) - int(memory["used_memory"])
        return max(0, int(missing) // _PIECE)


class MissingKeys:
    """Reads `reads` keys a minute that are not there."""

    def __init__(self, site: Site, *, reads: int) -> None:
        self._open = ExitStack()
        self._redis = self._open.enter_context(site.connect())
        self._names = [_KEY.format(f"missing:{number}") for number in range(reads)]

    def minute(self) -> None:
        """Read them."""
        self._redis.mget(self._names)

    def end(self) -> None:
        """Nothing is left behind."""
        self._open.close()


class WrongLogins:
    """Logs in `logins` times a minute with a token that nobody has."""

    def __init__(self, site: Site, *, logins: int) -> None:
        self._open = ExitStack()
        self._redis = self._open.enter_context(site.connect())
        self._logins = logins

    def minute(self) -> None:
        """Be refused that often."""
        for _ in range(self._logins):
            try:
                self._redis.auth(secrets.token_hex(32))
            except AuthenticationError:
                continue
            raise RuntimeError("a token that nobody has was accepted")

    def end(self) -> None:
        """Nothing is left behind."""
        self._open.close()


class Connections:
    """Holds `count` connections over TLS, logged in."""

    def __init__(self, site: Site, *, count: int) -> None:
        self._site = site
        self._count = count
        # One context for all: making one costs more than a connection.
        self._trust = ssl.create_default_context(cafile=str(site.authority))
        self._open: list[socket.socket] = []

    def minute(self) -> None:
        """Open what is missing."""
        while len(self._open) < self._count:
            self._open.append(self._connect())

    def end(self) -> None:
        """Close them all."""
        for one in self._open:
            one.close()

    def _connect(self) -> socket.socket:
        site = self._site
        plain = socket.create_connection((site.host, site.port), timeout=_PATIENCE)
        secure = self._trust.wrap_socket(plain, server_hostname=site.host)
        secure.sendall(f"AUTH {site.token}\r\n".encode())
        if secure.recv(64) != b"+OK\r\n":
            raise ConnectionError("a connection of the drill could not log in")
        return secure
