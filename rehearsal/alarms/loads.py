"""Real loads on the nodes, each as a client of Redis would cause it."""

import secrets
from collections.abc import Callable
from typing import Any, Protocol

from redis.exceptions import AuthenticationError

from rehearsal.common.deployed import Deployed

# Bytes of one key: larger ones take a quarter more memory on a replica than on the primary.
_PIECE = 28_000
# Keys that one command writes: its text stands in memory beside them.
_A_CALL = 10
_KEY = "rehearsal:drill:{}"


class Load(Protocol):
    """Something that goes on: `minute` does a minute's share of it, `end` undoes it."""

    def minute(self) -> None:
        """Do what belongs into one CloudWatch minute."""

    def end(self) -> None:
        """Leave the nodes as they were."""


Loading = Callable[[Deployed], Load]


class _Client:
    """One that is logged in on the primary."""

    def __init__(self, deployed: Deployed) -> None:
        self._redis = deployed.connect()

    def end(self) -> None:
        """Nothing is left behind."""
        self._redis.close()


class Keys(_Client):
    """Fills the primary's memory up to `share` of its maxmemory, and `more` keys every minute."""

    def __init__(self, deployed: Deployed, *, share: float, more: int = 0) -> None:
        super().__init__(deployed)
        self._share = share
        self._more = more
        self._written = 0

    def minute(self) -> None:
        """Write what is missing."""
        memory = self._redis.info("memory")
        missing = self._share * int(memory["maxmemory"]) - int(memory["used_memory"])
        left = max(0, int(missing) // _PIECE) + self._more
        while left > 0:
            names = [_KEY.format(self._written + number) for number in range(min(left, _A_CALL))]
            self._redis.mset(dict.fromkeys(names, "x" * _PIECE))
            self._written += len(names)
            left -= len(names)

    def end(self) -> None:
        """Delete every key that was written."""
        if self._written:
            self._redis.delete(*map(_KEY.format, range(self._written)))
        super().end()


class MissingKeys(_Client):
    """Reads `reads` keys a minute that are not there."""

    def __init__(self, deployed: Deployed, *, reads: int) -> None:
        super().__init__(deployed)
        self._names = [_KEY.format(f"missing:{number}") for number in range(reads)]

    def minute(self) -> None:
        """Read them."""
        self._redis.mget(self._names)


class WrongLogins(_Client):
    """Logs in `logins` times a minute with a token that nobody has."""

    def __init__(self, deployed: Deployed, *, logins: int) -> None:
        super().__init__(deployed)
        self._logins = logins

    def minute(self) -> None:
        """Be refused that often."""
        for _ in range(self._logins):
            try:
                self._redis.auth(secrets.token_hex(32))
            except AuthenticationError:
                continue
            raise RuntimeError("a token that nobody has was accepted")


class Connections(_Client):
    """Holds `count` connections over TLS, logged in."""

    def __init__(self, deployed: Deployed, *, count: int) -> None:
        self._redis = deployed.connect(password=deployed.token, max_connections=count)
        self._count = count
        self._held: list[Any] = []

    def minute(self) -> None:
        """Open what is missing."""
        while len(self._held) < self._count:
            self._held.append(self._redis.connection_pool.get_connection())

    def end(self) -> None:
        """Close them all."""
        for one in self._held:
            one.disconnect()
        super().end()
