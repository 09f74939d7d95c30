"""Just the nodes, for any test: a group of three Redis 6.2 servers with TLS and a token.

A conftest.py takes it with `from rehearsal.fixtures import nodes`. One group serves the whole
session: a test that changes roles or tokens starts a group of its own (0.3 s).
"""

from collections.abc import Iterator

import pytest

from emulator.bare_nodes import Nodes, started

__all__ = ["Nodes", "nodes"]


@pytest.fixture(scope="session")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    """Three Redis 6.2 nodes with the plan's parameters, TLS and a random token."""
    with started(tmp_path_factory.mktemp("nodes")) as running:
        yield running
