"""Servers to attack: one group that is as it should be, and others broken on purpose."""

import os
import secrets
import ssl
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from emulator.fixtures import Start, groups, node_context, nodes
from emulator.nodes.context import NodeContext
from emulator.nodes.group import Group
from emulator.nodes.users import User
from environments.access import access_string
from rehearsal.security.target import Address, Target

__all__ = ["Start", "node_context", "nodes"]

Attack = Callable[..., Target]


@pytest.fixture
def start(node_context: NodeContext) -> Iterator[Start]:
    """Start a group of one node, with the fields of a spec that break it."""

    def defaults() -> dict[str, Any]:
        return {"replicas": 0, "users": (User((secrets.token_hex(32),), access_string([])),)}

    with groups(node_context, "broken", defaults) as run:
        yield run


@pytest.fixture
def aim(node_context: NodeContext) -> Attack:
    """A group as a target that is ours; fields of a target may differ."""

    def run(group: Group, **fields: Any) -> Target:
        hosts = [group.endpoints.primary, group.endpoints.reader]
        hosts += [member.address for member in group.members]
        (*_, token) = group.passwords or (None,)
        defaults: dict[str, Any] = {
            "addresses": tuple(Address(host, group.spec.port) for host in hosts),
            "trust": ssl.create_default_context(cafile=str(node_context.ca_file)),
            "token": token,
            "ours": True,
            "authority": node_context.ca_file,
            "processes": os.getpid(),
        }
        return Target(**(defaults | fields))

    return run
