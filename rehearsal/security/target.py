"""What is attacked, and what may be done to it."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

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

    Without a `token` only what needs no login is tried. `ours`: nobody else uses it, so that its
    counters tell what we did, and thousands of guesses disturb nobody. `processes` is the id of
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
