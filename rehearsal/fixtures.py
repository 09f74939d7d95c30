"""Just the nodes, for any test: a group of three Redis 6.2 servers with TLS and a token.

A conftest.py takes it with `from rehearsal.fixtures import nodes`. One group serves the whole
session: a test that changes roles or tokens starts a group of its own (0.3 s).
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from rehearsal.engines import obtain
from rehearsal.nodes.ground import Ground
from rehearsal.nodes.group import Group
from rehearsal.nodes.spec import GroupSpec
from rehearsal.nodes.tokens import Tokens


@dataclass(frozen=True)
class Nodes:
    """Where the nodes are and how to log in."""

    group: Group
    ca_file: Path
    token: str = field(repr=False)

    @property
    def primary_url(self) -> str:
        """rediss://<primary address>:6379, as REDIS_URL gives it."""
        return f"rediss://{self.group.endpoints.primary}:{self.group.spec.port}"

    @property
    def reader_url(self) -> str:
        """The same of the reader address."""
        return f"rediss://{self.group.endpoints.reader}:{self.group.spec.port}"


@pytest.fixture(scope="session")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    """Three Redis 6.2 nodes with the plan's parameters, TLS and a random token."""
    token = secrets.token_hex(32)
    parameters = {
        "maxmemory-policy": "allkeys-lru",
        "timeout": "300",
        "tcp-keepalive": "60",
        "notify-keyspace-events": "AKE",
    }
    with Ground(tmp_path_factory.mktemp("nodes")) as ground:
        spec = GroupSpec(
            "nodes", obtain("redis", "6.2"), tokens=Tokens.only(token), parameters=parameters
        )
        group = Group(spec, ground)
        yield Nodes(group, ground.ca_file, token)
        group.stop()
