"""Groups of real servers: cheap enough (0.3 s) that a test starts its own."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from emulator.engines import obtain
from emulator.fixtures import nodes
from emulator.nodes import control
from emulator.nodes.context import Ground
from emulator.nodes.group import Group
from emulator.nodes.spec import GroupSpec
from emulator.nodes.users import User

__all__ = ["nodes"]

TOKEN = "a-token-of-the-tests-0001"  # noqa: S105 - it opens only these servers

Start = Callable[..., Group]
Connect = Callable[..., "redis.Redis"]


@pytest.fixture(scope="session")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    with Ground(tmp_path_factory.mktemp("ground")) as found:
        yield found


@pytest.fixture
def events() -> list[tuple[str, str]]:
    return []


@pytest.fixture
def start(ground: Ground, events: list[tuple[str, str]]) -> Iterator[Start]:
    """Start a group from a spec's fields: Redis 6.2 with three nodes and a token by default."""
    started: list[Group] = []

    def run(name: str = "group", **fields: Any) -> Group:
        defaults: dict[str, Any] = {"engine": obtain("redis", "6.2"), "users": (User.only(TOKEN),)}
        spec = GroupSpec(f"{name}-{len(started)}", **(defaults | fields))
        group = Group(spec, ground, lambda member, text: events.append((member, text)))
        started.append(group)
        return group

    yield run
    for group in started:
        group.stop()


@pytest.fixture
def connect(ground: Ground) -> Connect:
    """A client of one address that verifies the certificate and never tries twice."""

    def run(address: str, token: str | None = TOKEN, ca: Path | None = None) -> redis.Redis:
        return control.connect(address, 6379, ca_file=str(ca or ground.ca_file), password=token)

    return run
