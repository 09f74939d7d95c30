"""The clients, in a process of their own."""

from __future__ import annotations

import json
from dataclasses import asdict

from rehearsal.common.checks.replication_group import described
from rehearsal.common.client_process import ClientProcess
from rehearsal.common.rehearsal import Rehearsal
from rehearsal.rotation.figures import Figures
from rehearsal.rotation.load import Load

_LIFETIME = 1.0  # seconds of a connection


class Crowd(ClientProcess):
    """`clients` in constant use, each of which caches the secret for `cache` seconds.

    Every other one lives by its cache alone.
    """

    def __init__(self, rehearsal: Rehearsal, secret: str, clients: int, cache: float) -> None:
        shard = described(rehearsal)["NodeGroups"][0]
        primary, reader = shard["PrimaryEndpoint"], shard["ReaderEndpoint"]
        load = Load(
            clients=clients,
            addresses=(primary["Address"], reader["Address"]),
            port=int(primary["Port"]),
            authority=str(rehearsal.authority),
            secret=secret,
            cache=cache,
            connection_lifetime=_LIFETIME,
        )
        super().__init__(
            ["rehearsal.rotation.load", json.dumps(asdict(load))],
            rehearsal.embedded_aws.environment,
            rehearsal.folder / "clients.log",
        )

    def hold(self) -> None:
        """Have every client keep the connections that it has now."""
        self.tell("hold")

    def let_go(self) -> None:
        """Have the clients make new connections again, now and then."""
        self.tell("let go")

    def end(self) -> Figures:
        """Let every client end its last round, and return what all have counted."""
        return Figures.of_all(json.loads(self.told()))
