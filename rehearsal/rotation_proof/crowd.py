"""The clients, in a process of their own."""

from __future__ import annotations

import json
import select
import subprocess
import sys
from dataclasses import asdict
from types import TracebackType
from typing import Self

from rehearsal.checks.replication_group import described
from rehearsal.clean_environment import ROOT
from rehearsal.errors import RehearsalError
from rehearsal.rehearsal import Rehearsal
from rehearsal.rotation_proof.figures import Figures
from rehearsal.rotation_proof.load import Load

_READY = 90  # seconds
_ENDED = 90  # seconds
_LIFETIME = 1.0  # seconds of a connection


class Crowd:
    """`clients` in constant use, each of which caches the secret for `cache` seconds.

    Every other one lives by its cache alone. What they say on standard error is in a file of the
    rehearsal's folder.
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
        with (rehearsal.folder / "clients.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "rehearsal.rotation_proof.load", json.dumps(asdict(load))],
                cwd=ROOT,
                env=rehearsal.embedded_aws.environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        """Wait until every client has had its first answers."""
        out = self._process.stdout
        if out is None or not select.select([out], [], [], _READY)[0] or not out.readline():
            self._kill()
            raise RehearsalError("the clients did not begin: see clients.log")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        """End them, whatever happened."""
        self._kill()

    def end(self) -> Figures:
        """Let every client end its last round, and return what all have counted."""
        try:
            told, _ = self._process.communicate(timeout=_ENDED)
        except subprocess.TimeoutExpired:
            raise RehearsalError("the clients did not end: see clients.log") from None
        if self._process.returncode:
            raise RehearsalError("the clients ended by themselves: see clients.log")
        return Figures.of_all(json.loads(told))

    def _kill(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
