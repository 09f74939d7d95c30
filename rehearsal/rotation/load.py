"""Clients in constant use, each in a thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Self

from botocore.exceptions import BotoCoreError, ClientError
from redis.credentials import CredentialProvider
from redis.exceptions import AuthenticationError, RedisError

from emulator.nodes.server import connect
from rehearsal.common.deployed import Deployed
from rehearsal.common.errors import RehearsalError
from rehearsal.common.rehearsal import Rehearsal


@dataclass
class Figures:
    """Of one client or of many; `longest` is the seconds that one command took at most."""

    commands: int = 0
    failed: int = 0
    longest: float = 0.0
    logins: int = 0
    refused: int = 0
    first_failure: str | None = None

    def count(self, began: float, failure: str | None) -> None:
        """A command that began at that time of the monotonic clock is over."""
        self.commands += 1
        self.longest = max(self.longest, time.monotonic() - began)
        if failure is not None:
            self.failed += 1
            self.first_failure = self.first_failure or failure

    @staticmethod
    def of_all(parts: Iterable[Figures]) -> Figures:
        """The figures of many."""
        every = list(parts)
        return Figures(
            commands=sum(one.commands for one in every),
            failed=sum(one.failed for one in every),
            longest=max(one.longest for one in every),
            logins=sum(one.logins for one in every),
            refused=sum(one.refused for one in every),
            first_failure=next((one.first_failure for one in every if one.first_failure), None),
        )


@dataclass(frozen=True)
class Habits:
    """How a client treats its connections, in seconds, and a login that is refused.

    One that is not `careful` does not even read the secret anew when its login is refused: it
    lives by its cache alone, so every token that is retired too early makes it fail.
    """

    connection_lifetime: float
    careful: bool


class TokenOfSecret(CredentialProvider):
    """The secret's value, kept for `cache` seconds; `logins` counts how often it was handed out."""

    def __init__(self, read: Callable[[], str], cache: float) -> None:
        self._read = read
        self._cache = cache
        self._token: str | None = None
        self._read_at = 0.0
        self.logins = 0

    def get_credentials(self) -> tuple[str]:
        """What redis-py logs in with; it asks at each new connection."""
        self.logins += 1
        if self._token is None or time.monotonic() > self._read_at + self._cache:
            self._token = self._read()
            self._read_at = time.monotonic()
        return (self._token,)

    def forget(self) -> None:
        """Read the secret at the next login."""
        self._token = None


class Client:
    """One client with a pool for each address; `authority` is the file that it trusts."""

    def __init__(
        self,
        addresses: tuple[str, ...],
        port: int,
        authority: str,
        token: TokenOfSecret,
        habits: Habits,
    ) -> None:
        self._habits = habits
        self._token = token
        self._redis = [
            connect(address, port, ca_file=authority, credential_provider=token, protocol=2)
            for address in addresses
        ]
        self._since = time.monotonic()
        self.refused = 0

    def call(self, address: int, *words: str) -> Any:
        """Run a command at the address of that number.

        Raises what redis-py raises; a careful client has then tried again with the secret read
        anew, once.
        """
        redis = self._redis[address]
        try:
            return redis.execute_command(*words)  # type: ignore[no-untyped-call]
        except AuthenticationError:
            self.refused += 1
            if not self._habits.careful:
                raise
            self._token.forget()
            return redis.execute_command(*words)  # type: ignore[no-untyped-call]

    def reconnect_when_due(self) -> None:
        """Close connections that have had their time, so that there are logins all the time."""
        if time.monotonic() > self._since + self._habits.connection_lifetime:
            self.close()
            self._since = time.monotonic()

    def close(self) -> None:
        """Close every connection."""
        for redis in self._redis:
            redis.connection_pool.disconnect()


PRIMARY, READER = 0, 1
_PAUSE = 0.05  # seconds between a client's rounds of three commands
_PATIENCE = 60  # seconds for the first round, and for the last
_EXPIRY = "60"  # seconds


class Worker(threading.Thread):
    """Writes and reads with one client until `stop`; keeps its connections while `hold` is set."""

    def __init__(
        self, client: Client, token: TokenOfSecret, stop: threading.Event, hold: threading.Event
    ) -> None:
        super().__init__(daemon=True)
        self._hold = hold
        self.held = threading.Event()
        self._client = client
        self._token = token
        self._stopping = stop
        self._figures = Figures()
        self.began = threading.Event()

    @property
    def figures(self) -> Figures:
        """What it has counted."""
        self._figures.logins, self._figures.refused = self._token.logins, self._client.refused
        return self._figures

    def run(self) -> None:
        """Round after round, with a new login now and then, and one at the very end."""
        number = 0
        while not self._stopping.is_set():
            number += 1
            self._round(str(number))
            self.began.set()
            if self._hold.is_set():
                self.held.set()
            else:
                self.held.clear()
                self._client.reconnect_when_due()
            self._stopping.wait(_PAUSE)
        self._client.close()
        self._round(str(number + 1))
        self._client.close()

    def _round(self, value: str) -> None:
        """A write, its reading back, and a read from a replica, which may be behind."""
        key = f"rotation-proof:{self.name}"
        self._command(PRIMARY, "SET", key, value, "EX", _EXPIRY)
        self._command(PRIMARY, "GET", key, wanted=value)
        self._command(READER, "GET", key)

    def _command(self, address: int, *words: str, wanted: str | None = None) -> None:
        began, failure = time.monotonic(), None
        try:
            answer = self._client.call(address, *words)
        except (RedisError, OSError, BotoCoreError, ClientError) as error:
            failure = f"{words[0]}: {type(error).__name__}: {error}"
        else:
            if wanted is not None and answer != wanted:
                failure = f"{words[0]}: another answer than what was written"
        self._figures.count(began, failure)


_LIFETIME = 1.0  # seconds of a connection


class Clients:
    """`clients` in constant use as a context, each of which caches the secret for `cache` seconds.

    Every other one lives by its cache alone.
    """

    def __init__(self, rehearsal: Rehearsal, secret: str, clients: int, cache: float) -> None:
        deployed, manager = Deployed.of(rehearsal), rehearsal.aws("secretsmanager")
        (primary, port), (reader, _) = deployed.endpoints.values()
        self._stop, self._hold = threading.Event(), threading.Event()
        self._workers = []
        for number in range(clients):
            token = TokenOfSecret(
                lambda: str(manager.get_secret_value(SecretId=secret)["SecretString"]), cache
            )
            habits = Habits(_LIFETIME, careful=number % 2 == 0)
            client = Client((primary, reader), port, str(deployed.authority), token, habits)
            self._workers.append(Worker(client, token, self._stop, self._hold))

    def __enter__(self) -> Self:
        """Every client has had its first answers."""
        for worker in self._workers:
            worker.start()
        _all([worker.began for worker in self._workers], "served")
        return self

    def __exit__(self, *_: object) -> None:
        """End them, whatever happened."""
        self._stop.set()
        for worker in self._workers:
            worker.join(_PATIENCE)

    def hold(self) -> None:
        """Have every client keep the connections that it has now."""
        self._hold.set()
        _all([worker.held for worker in self._workers], "holding its connections")

    def let_go(self) -> None:
        """Have the clients make new connections again, now and then."""
        self._hold.clear()

    def end(self) -> Figures:
        """Let every client end its last round, and return what all have counted."""
        if not all(worker.is_alive() for worker in self._workers):
            raise RehearsalError("a client ended by itself")
        self.__exit__()
        if any(worker.is_alive() for worker in self._workers):
            raise RehearsalError(f"a client did not end in {_PATIENCE} s")
        return Figures.of_all(worker.figures for worker in self._workers)


def _all(events: list[threading.Event], word: str) -> None:
    if not all(event.wait(_PATIENCE) for event in events):
        raise RehearsalError(f"not every client is {word} in {_PATIENCE} s")
