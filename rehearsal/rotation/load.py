"""The process in which the clients run, each in a thread of its own, until standard input closes.

usage: python -m rehearsal.rotation.load SETTINGS, a `Load` as JSON. It prints `ready` when
every client has had its first answers, and at the end each client's figures as one line of JSON.
Told `hold`, it prints a line when every client has connections that it keeps until `let go`.
"""

from __future__ import annotations

import json
import ssl
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from redis.exceptions import RedisError

from rehearsal.rotation.client import Client, Habits, TokenOfSecret
from rehearsal.rotation.figures import Figures

PRIMARY, READER = 0, 1
_PAUSE = 0.05  # seconds between a client's rounds of three commands
_PATIENCE = 60  # seconds for the first round, and for the last
_EXPIRY = "60"  # seconds


@dataclass(frozen=True)
class Load:
    """What the process is told: `cache` and `connection_lifetime` are seconds."""

    clients: int
    addresses: tuple[str, str]
    port: int
    authority: str
    secret: str
    cache: float
    connection_lifetime: float


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


def main() -> None:
    """Run the load."""
    load = Load(**json.loads(sys.argv[1]))
    manager = boto3.client("secretsmanager")

    def read() -> str:
        return str(manager.get_secret_value(SecretId=load.secret)["SecretString"])

    stop, hold = threading.Event(), threading.Event()
    trust = ssl.create_default_context(cafile=load.authority)
    workers = [_worker(load, number, read, trust, stop, hold) for number in range(load.clients)]
    for worker in workers:
        worker.start()
    _all([worker.began for worker in workers], "ready")
    for line in sys.stdin:
        if line.strip() == "hold":
            hold.set()
            _all([worker.held for worker in workers], "held")
        else:
            hold.clear()
            print("going on", flush=True)
    if not all(worker.is_alive() for worker in workers):
        raise SystemExit("a client ended by itself")
    stop.set()
    for worker in workers:
        worker.join(_PATIENCE)
        if worker.is_alive():
            raise SystemExit(f"a client did not end in {_PATIENCE} s")
    print(json.dumps([asdict(worker.figures) for worker in workers]))


def _all(events: list[threading.Event], word: str) -> None:
    if not all(event.wait(_PATIENCE) for event in events):
        raise SystemExit(f"not every client is {word} in {_PATIENCE} s")
    print(word, flush=True)


def _worker(
    load: Load,
    number: int,
    read: Callable[[], str],
    trust: ssl.SSLContext,
    stop: threading.Event,
    hold: threading.Event,
) -> Worker:
    token = TokenOfSecret(read, load.cache)
    habits = Habits(load.connection_lifetime, careful=number % 2 == 0)
    client = Client(load.addresses, load.port, trust, token, habits)
    return Worker(client, token, stop, hold)


if __name__ == "__main__":
    main()
