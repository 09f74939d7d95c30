"""The specification of a group, and a node as its user sees it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from emulator.engines import Engine
from emulator.nodes.users import User


@dataclass(frozen=True)
class GroupSpec:
    """A group to run. `node_bytes` is a node's maxmemory before the reserve; small is fine.

    `restore` names one RDB file per shard, in the order of the shards, and `slots` what each shard
    held when it was saved; without them the slots are spread evenly.
    """

    name: str
    engine: Engine
    shards: int = 1
    replicas: int = 2
    cluster: bool = False
    port: int = 6379
    tls: bool = True
    users: tuple[User, ...] = (User(),)
    node_bytes: int = 32 << 20
    parameters: Mapping[str, str] = field(default_factory=dict)
    automatic_failover: bool = True
    restore: tuple[Path, ...] = ()
    slots: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True)
class Member:
    """A node as a user sees it; `role` is "primary" or "replica"."""

    name: str
    shard: str
    role: str
    address: str
