"""Just the nodes, for any test: a group of three Redis 6.2 servers with TLS and a token.

A conftest.py takes it with `from emulator.fixtures import nodes`. One group serves the whole
session: a test that changes roles or tokens starts a group of its own (0.3 s).
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from emulator.bare_nodes import Nodes, started
from emulator.engines import obtain
from emulator.nodes.context import NodeContext
from emulator.nodes.group import Group, OnEvent
from emulator.nodes.spec import GroupSpec

__all__ = ["Nodes", "Start", "groups", "node_context", "nodes"]

Start = Callable[..., Group]


@pytest.fixture(scope="session")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    """Three Redis 6.2 nodes with the plan's parameters, TLS and a random token."""
    with started(tmp_path_factory.mktemp("nodes")) as running:
        yield running


@pytest.fixture(scope="session")
def node_context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeContext]:
    """The context of a test's own groups, with one certificate authority per session."""
    with NodeContext(tmp_path_factory.mktemp("node_context")) as shared:
        yield shared


@contextmanager
def groups(
    node_context: NodeContext,
    prefix: str,
    defaults: Callable[[], Mapping[str, Any]],
    on_event: OnEvent = lambda *_: None,
) -> Iterator[Start]:
    """Starts a group of Redis 6.2 from a spec's fields, and stops all of them in the end."""
    started: list[Group] = []

    def run(name: str = prefix, **fields: Any) -> Group:
        given = {"engine": obtain("redis", "6.2"), **defaults(), **fields}
        started.append(Group(GroupSpec(f"{name}-{len(started)}", **given), node_context, on_event))
        return started[-1]

    yield run
    for group in started:
        group.stop()
