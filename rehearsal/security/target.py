"""What is attacked, over which connection, and how a check ends."""

import socket
import ssl
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from subprocess import TimeoutExpired
from typing import Any, NamedTuple, Self

import hiredis

from rehearsal.common.errors import RehearsalError
from rehearsal.common.rehearsal import Rehearsal


class Address(NamedTuple):
    """Where a Redis listens."""

    host: str
    port: int

    def __str__(self) -> str:
        """host:port."""
        return f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Target:
    """`addresses` begin with the primary's; `trust` is what its certificates are checked against.

    Without a `token` only what needs no login is tried. `ours`: only we use it, so that its
    counters show what we did, and thousands of guesses are harmless. `processes` is the id of
    the process that started all of its servers; `rehearsal` is there when the whole of production
    was deployed.
    """

    addresses: tuple[Address, ...]
    trust: ssl.SSLContext
    token: str | None = field(repr=False)
    ours: bool
    authority: Path | None = None
    processes: int | None = None
    rehearsal: Rehearsal | None = None

    @property
    def primary(self) -> Address:
        """Where writes go."""
        return self.addresses[0]


class BreachError(Exception):
    """Something got through: the text says what was tried, where, and what answered."""


class NotHereError(Exception):
    """What this target cannot show: the text says why."""


class Outcome(StrEnum):
    """The beginning of a line."""

    PASS = "PASS"  # noqa: S105 - a word, not a password
    FAIL = "FAIL"
    NOT_HERE = "----"


Check = tuple[str, Callable[[Target], str]]  # a line of the table; it returns what it tried


def perform(checks: Iterable[Check], target: Target) -> Iterator[tuple[str, Outcome, str]]:
    """The name, outcome and text of each check, as it ends. What could not be finished failed."""
    for name, attack in checks:
        try:
            text, outcome = attack(target), Outcome.PASS
        except NotHereError as reason:
            text, outcome = f"not checked here: {reason}", Outcome.NOT_HERE
        except (BreachError, RehearsalError) as breach:
            text, outcome = str(breach), Outcome.FAIL
        except (OSError, TimeoutExpired) as trouble:
            text = f"could not be finished: {trouble or type(trouble).__name__}"
            outcome = Outcome.FAIL
        yield name, outcome, text


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

    def __exit__(self, *_: object) -> None:
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
