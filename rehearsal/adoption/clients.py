"""The owner's application: it knows one address and one token, and no stack of ours."""

import threading
import time
from collections import Counter
from typing import Any, Self

from redis import Redis
from redis.backoff import ConstantBackoff
from redis.exceptions import ConnectionError as LostConnection
from redis.exceptions import RedisError
from redis.retry import Retry

from rehearsal.common.errors import RehearsalError

CLIENTS = 6
_PAUSE = 0.02  # seconds between two rounds of a client
_ROUNDS = 10  # of a connection
_PATIENCE = 60.0  # seconds


class Application:
    """Clients in constant use as long as the context lasts, with new logins all the time.

    A connection that is closed is opened again, as redis-py does for every application. Any other
    failure counts. `KEYS` is among the commands: the plan's rights would refuse it.
    """

    def __init__(self, address: str, port: int, authority: str, token: str) -> None:
        self._client: Any = lambda: Redis(
            host=address,
            port=port,
            password=token,
            ssl=True,
            ssl_ca_certs=authority,
            retry=Retry(ConstantBackoff(0.1), 20, supported_errors=(LostConnection,)),
            socket_timeout=_PATIENCE,
        )
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=[number]) for number in range(CLIENTS)
        ]
        self.commands: Counter[int] = Counter()
        self.failures: list[str] = []

    def __enter__(self) -> Self:
        """Begin, and wait until every client was served."""
        for thread in self._threads:
            thread.start()
        self.served_again()
        return self

    def __exit__(self, *_: object) -> None:
        """End every client."""
        self._stop.set()
        for thread in self._threads:
            thread.join(_PATIENCE)

    def served_again(self) -> str:
        """Wait for some rounds of every client from now on. RehearsalError if one was refused."""
        before, until = self.commands.copy(), time.monotonic() + _PATIENCE
        while any(self.commands[one] < before[one] + 3 * _ROUNDS for one in range(CLIENTS)):
            if self.failures or time.monotonic() > until:
                raise RehearsalError(f"clients were not served: {self.failures[:1]}")
            self._stop.wait(_PAUSE)
        return f"{sum(self.commands.values()):,} commands, 0 refused"

    def _run(self, number: int) -> None:
        redis, key = self._client(), f"owner:client-{number}"
        while not self._stop.wait(_PAUSE):
            try:
                redis.set(key, "1", ex=60)
                redis.get(key)
                redis.keys(key)
            except (RedisError, OSError) as problem:
                self.failures.append(f"{type(problem).__name__}: {problem}")
            self.commands[number] += 3
            if self.commands[number] % (3 * _ROUNDS) == 0:
                redis.connection_pool.disconnect()
        redis.close()
