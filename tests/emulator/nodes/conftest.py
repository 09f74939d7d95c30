"""Groups of real servers: cheap enough (0.3 s) that a test starts its own."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from emulator.fixtures import Start, groups, node_context, nodes
from emulator.nodes.context import NodeContext
from emulator.nodes.server import connect as to_node
from emulator.nodes.users import User

__all__ = ["Start", "node_context", "nodes"]

TOKEN = "a-token-of-the-tests-0001"  # noqa: S105 - it opens only these servers

Connect = Callable[..., "redis.Redis"]
Events = list[tuple[str, str]]


@pytest.fixture
def events() -> Events:
    return []


@pytest.fixture
def start(node_context: NodeContext, events: Events) -> Iterator[Start]:
    """Start a group from a spec's fields: Redis 6.2 with three nodes and a token by default."""
    defaults = {"users": (User.only(TOKEN),)}
    with groups(
        node_context, "group", lambda: defaults, lambda *event: events.append(event)
    ) as run:
        yield run


@pytest.fixture
def connect(node_context: NodeContext) -> Connect:
    """A client of one address that verifies the certificate and never tries twice."""

    def run(address: str, token: str | None = TOKEN, ca: Path | None = None) -> redis.Redis:
        return to_node(address, 6379, ca_file=str(ca or node_context.ca_file), password=token)

    return run
