"""Clients in constant use, each in a thread of its own."""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

from botocore.exceptions import BotoCoreError, ClientError
from redis import Redis
from redis.backoff import ConstantBackoff
from redis.credentials import CredentialProvider
from redis.exceptions import AuthenticationError, RedisError
from redis.exceptions import ConnectionError as LostConnection
from redis.retry import Retry

from rehearsal.common.deployed import Deployed
from rehearsal.common.errors import RehearsalError, eventually

_LIFETIME = 1.0  # seconds of a connection: there are logins all the time
_PAUSE = 0.2  # seconds between two rounds of a client
_PATIENCE = 60.0  # seconds for some rounds, and for the end
_EXPIRY = "60"  # seconds
_RECONNECTS = Retry(ConstantBackoff(0.1), 20, supported_errors=(LostConnection,))


@dataclass
class Figures:
    """Of all clients; `longest` is the seconds that one command took at most."""

    commands: int = 0
    failures: list[str] = field(default_factory=list)
    longest: float = 0.0
    logins: int = 0
    refused: int = 0


class Token(CredentialProvider):
    """What `read` answers, cached for `cache` seconds; `logins` counts how often it was used."""

    def __init__(self, read: Callable[[], str], cache: float) -> None:
        self._read, self._cache = read, cache
        self._token, self._expires = "", 0.0
        self.logins = 0

    def get_credentials(self) -> tuple[str]:
        """What redis-py logs in with; it asks at each new connection."""
        self.logins += 1
        if time.monotonic() > self._expires:
            self._token, self._expires = self._read(), time.monotonic() + self._cache
        return (self._token,)

    def forget(self) -> None:
        """Read the token again at the next login."""
        self._expires = 0.0


class Clients:
    """`clients` in constant use as a context; each caches what `read` answers for `cache` seconds.

    They use the primary's address and the reader's. Every other client lives by its cache alone: it
    does not even read the token again when a login is refused, so every token that is retired too
    early makes it fail. With `reconnects` a connection that is lost is opened again, as redis-py
    does for every application, and `commands` are more than what the plan's rights allow.
    """

    def __init__(
        self,
        deployed: Deployed,
        read: Callable[[], str],
        *,
        clients: int,
        cache: float = math.inf,
        reconnects: bool = False,
        commands: tuple[str, ...] = (),
    ) -> None:
        self.figures = Figures()
        self._deployed = deployed
        self._read, self._cache = read, cache
        self._reconnects, self._commands = reconnects, commands
        self._rounds = [0] * clients
        self._lock, self._stop, self._hold = threading.Lock(), threading.Event(), threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=[number], daemon=True)
            for number in range(clients)
        ]

    def __enter__(self) -> Self:
        """Every client has had its first answers."""
        for thread in self._threads:
            thread.start()
        self.wait(1)
        return self

    def __exit__(self, *_: object) -> None:
        """End them, whatever happened."""
        self._stop.set()
        for thread in self._threads:
            thread.join(_PATIENCE)

    def wait(self, rounds: int) -> None:
        """Wait for so many rounds of every client from now on."""
        goals = [done + rounds for done in self._rounds]
        eventually(
            lambda: all(map(int.__ge__, self._rounds, goals)), "every client is served", _PATIENCE
        )

    def hold(self) -> None:
        """Have every client keep the connections that it has now."""
        self._hold.set()
        self.wait(2)  # the first may have begun before

    def let_go(self) -> None:
        """Have the clients make new connections again, now and then."""
        self._hold.clear()

    def end(self) -> Figures:
        """Let every client end its last round, and return what all have counted."""
        if not all(thread.is_alive() for thread in self._threads):
            raise RehearsalError("a client ended by itself")
        self.__exit__()
        if any(thread.is_alive() for thread in self._threads):
            raise RehearsalError(f"a client did not end in {_PATIENCE} s")
        return self.figures

    def _run(self, number: int) -> None:
        """Round after round, with a new login now and then, and one at the very end."""
        token, careful = Token(self._read, self._cache), number % 2 == 0
        pools = [
            self._deployed.connect(at, credential_provider=token, protocol=2)
            for at in self._deployed.endpoints.values()
        ]
        if self._reconnects:
            for redis in pools:
                redis.set_retry(_RECONNECTS)
        over, since = False, time.monotonic()
        while not over:
            over = self._stop.wait(_PAUSE)
            if over or (not self._hold.is_set() and time.monotonic() > since + _LIFETIME):
                since = time.monotonic()
                for redis in pools:
                    redis.connection_pool.disconnect()
            self._round(number, token if careful else None, *pools)
            self._rounds[number] += 1
        for redis in pools:
            redis.connection_pool.disconnect()
        with self._lock:
            self.figures.logins += token.logins

    def _round(self, number: int, token: Token | None, primary: Redis, reader: Redis) -> None:
        """A write, its reading back, and a read from a replica, which may be behind."""
        key, value = f"rehearsal:client:{number}", str(self._rounds[number])
        self._command(token, primary, "SET", key, value, "EX", _EXPIRY)
        self._command(token, primary, "GET", key, wanted=value)
        self._command(token, reader, "GET", key)
        for command in self._commands:
            self._command(token, primary, command, key)

    def _command(
        self, token: Token | None, redis: Redis, *words: str, wanted: str | None = None
    ) -> None:
        """A refused login is tried once more with `token` read again, if it is given."""
        began, failure, refused = time.monotonic(), None, 0
        try:
            try:
                answer = redis.execute_command(*words)  # type: ignore[no-untyped-call]
            except AuthenticationError:
                refused = 1
                if token is None:
                    raise
                token.forget()
                answer = redis.execute_command(*words)  # type: ignore[no-untyped-call]
            if wanted is not None and answer != wanted:
                failure = f"{words[0]}: another answer than what was written"
        except (RedisError, OSError, BotoCoreError, ClientError) as error:
            failure = f"{words[0]}: {type(error).__name__}: {error}"
        with self._lock:
            self.figures.commands += 1
            self.figures.refused += refused
            self.figures.longest = max(self.figures.longest, time.monotonic() - began)
            self.figures.failures += [failure] if failure else []
