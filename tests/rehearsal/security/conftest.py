"""Servers to attack: one group that is as it should be, and others broken on purpose."""

import os
import secrets
import ssl
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from emulator.engines import obtain
from emulator.fixtures import nodes
from emulator.nodes.context import Ground
from emulator.nodes.group import Group
from emulator.nodes.spec import GroupSpec
from emulator.nodes.users import User
from environments.access import access_string
from rehearsal.common.pytest_plugin import embedded_aws
from rehearsal.security.target import Address, Target

__all__ = ["embedded_aws", "nodes"]

Start = Callable[..., Group]
Attack = Callable[..., Target]


@pytest.fixture(scope="session")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    with Ground(tmp_path_factory.mktemp("ground")) as found:
        yield found


@pytest.fixture
def start(ground: Ground) -> Iterator[Start]:
    """Start a group of one node, with the fields of a spec that break it."""
    started: list[Group] = []

    def run(**fields: Any) -> Group:
        defaults: dict[str, Any] = {
            "engine": obtain("redis", "6.2"),
            "replicas": 0,
            "users": (User((secrets.token_hex(32),), access_string([])),),
        }
        group = Group(GroupSpec(f"broken-{len(started)}", **(defaults | fields)), ground)
        started.append(group)
        return group

    yield run
    for group in started:
        group.stop()


@pytest.fixture
def aim(ground: Ground) -> Attack:
    """A group as a target that is ours; fields of a target may differ."""

    def run(group: Group, **fields: Any) -> Target:
        hosts = [group.endpoints.primary, group.endpoints.reader]
        hosts += [member.address for member in group.members]
        (*_, token) = group.passwords or (None,)
        defaults: dict[str, Any] = {
            "addresses": tuple(Address(host, group.spec.port) for host in hosts),
            "trust": ssl.create_default_context(cafile=str(ground.ca_file)),
            "token": token,
            "ours": True,
            "authority": ground.ca_file,
            "processes": os.getpid(),
        }
        return Target(**(defaults | fields))

    return run
