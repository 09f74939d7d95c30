"""One member of a group: a name, an address and the server that runs there at the moment."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from emulator.nodes.config import CONTROL_USER, Settings
from emulator.nodes.server import Server, ServerFailedError
from emulator.nodes.users import DEFAULT, User
from emulator.nodes.waiting import until

SYNC_SECONDS = 120.0
END_SECONDS = 5.0


@dataclass(eq=False)
class Node:
    """`at` is the address and port of the node itself; `folder` holds its data and its log."""

    name: str
    at: tuple[str, int]
    folder: Path
    _server: Server | None = None

    @property
    def server(self) -> Server:
        """The server process. Raises RuntimeError before the first start."""
        if self._server is None:
            raise RuntimeError(f"{self.name} has not been started")
        return self._server

    @property
    def data_file(self) -> Path:
        """Where the server loads its data from at start and saves it."""
        return self.folder / "dump.rdb"

    @property
    def alive(self) -> bool:
        """Whether its server process runs."""
        return self._server is not None and self._server.alive

    def start(self, settings: Settings, on_exit: Callable[[Server], None]) -> None:
        """Start the server on what the data file holds, in the place of the one before."""
        self.stop()
        self._server = Server(settings, on_exit)

    def stop(self) -> None:
        """End the server process if there is one."""
        if self._server is not None:
            self._server.stop()

    def owns(self, server: Server) -> bool:
        """Whether this process is the node's present one."""
        return self._server is server

    def set_users(self, users: Collection[User], ended: Iterable[str]) -> None:
        """Have these users and no others; connections of those who are gone or `ended` are closed.

        A server that ends meanwhile is no error: the next one is started with them.
        """
        try:
            for user in users:
                self.server.call("acl", "setuser", user.name, *user.rules())
            expected = {CONTROL_USER, DEFAULT, *(user.name for user in users)}
            for name in set(self.server.call("acl", "users")) - expected:
                self.server.call("acl", "deluser", name)
            for name in ended:
                self.server.call("client", "kill", "user", name)
        except (ConnectionError, RedisConnectionError):
            until(lambda: not self.alive, END_SECONDS, f"the server of {self.name} ended")

    def follow(self, primary: Node) -> None:
        """Replicate from another node from now on."""
        self.server.call("replicaof", *primary.at)

    def offset(self) -> int:
        """Bytes of its primary's stream that this replica has; -1 if it does not answer."""
        try:
            return int(self.server.info("replication").get("slave_repl_offset", 0))
        except (RedisError, OSError):
            return -1

    def wait_in_sync(self, primary: Node) -> None:
        """Wait until this replica is connected to its primary and has all of its data.

        Raises ServerFailedError as soon as the primary has ended.
        """

        def in_sync() -> bool:
            if not primary.alive:
                raise ServerFailedError(f"{primary.name} ended while {self.name} copied its data")
            return self.server.info("replication").get("master_link_status") == "up"

        until(in_sync, SYNC_SECONDS, f"{self.name} in sync with its primary")
