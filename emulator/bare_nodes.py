"""Nodes without an AWS around them: a group of three Redis 6.2 servers with TLS and a token.

The variables that the deployment publishes, for nodes of a rehearsal: the plan's limits.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from emulator.engines import obtain
from emulator.nodes.context import NodeContext
from emulator.nodes.group import Group
from emulator.nodes.spec import GroupSpec
from emulator.nodes.users import User

# What the plan sets (§2.2).
PARAMETERS = {
    "maxmemory-policy": "allkeys-lru",
    "timeout": "300",
    "tcp-keepalive": "60",
    "notify-keyspace-events": "AKE",
}


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


@contextmanager
def started(folder: Path) -> Iterator[Nodes]:
    """The nodes, with the plan's parameters and a random token, in an empty folder."""
    token = secrets.token_hex(32)
    with NodeContext(folder) as node_context:
        spec = GroupSpec(
            "nodes", obtain("redis", "6.2"), users=(User.only(token),), parameters=PARAMETERS
        )
        group = Group(spec, node_context)
        try:
            yield Nodes(group, node_context.ca_file, token)
        finally:
            group.stop()


LIMITS = {
    "RATE_LIMIT_GENERAL": "120,60",
    "RATE_LIMIT_AUTH": "30,60",
    "RATE_LIMIT_SENSITIVE": "10,60",
    "RATE_LIMIT_ADMIN": "300,60",
    "RATE_LIMIT_MFA": "5,60",
    "RATE_LIMIT_FINANCIAL": "20,60",
}


def variables(nodes: Nodes, *, instances: int = 1) -> dict[str, str]:
    """For an application that is to use these nodes. Their token ends with them."""
    return LIMITS | {
        "REDIS_ENABLED": "true",
        "REDIS_URL": nodes.primary_url,
        "REDIS_PASSWORD": nodes.token,
        "REDIS_TLS": "true",
        "REDIS_TIMEOUT": "5000",
        "REDIS_MAX_RECONNECT_ATTEMPTS": "10",
        "REDIS_INSTANCES": str(instances),
        "SSL_CERT_FILE": str(nodes.ca_file),
    }
