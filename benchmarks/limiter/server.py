"""The server that all candidates ask, and what it says of its own work."""

import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from emulator.bare_nodes import LIMITS, PARAMETERS
from emulator.engines import obtain
from emulator.nodes.context import NodeContext
from emulator.nodes.group import Group
from emulator.nodes.server import Server as Process
from emulator.nodes.spec import GroupSpec
from emulator.nodes.users import User
from vibewell_redis import Settings, tls

NODE_BYTES = 512 << 20  # nothing is evicted


@dataclass(frozen=True)
class Server:
    """One node with the plan's parameters, TLS and a token, reached at its own address."""

    host: str
    port: int
    ca_file: Path
    token: str = field(repr=False)
    process: Process
    replicas: tuple[Process, ...] = ()

    @property
    def version(self) -> str:
        """As the server says it."""
        return str(self.process.info("server")["redis_version"])

    @property
    def variables(self) -> dict[str, str]:
        """The plan's variables for this server, and the file of its authority."""
        return LIMITS | {
            "REDIS_ENABLED": "true",
            "REDIS_URL": f"rediss://{self.host}:{self.port}",
            "REDIS_PASSWORD": self.token,
            "REDIS_TLS": "true",
            "REDIS_TIMEOUT": "60000",
            "REDIS_MAX_RECONNECT_ATTEMPTS": "10",
            "SSL_CERT_FILE": str(self.ca_file),
        }

    @property
    def settings(self) -> Settings:
        """Settings for a client in this process, which trusts the server's authority from now."""
        os.environ["SSL_CERT_FILE"] = str(self.ca_file)
        tls.trust.cache_clear()
        return Settings.from_environment(self.variables)

    def cpu(self) -> float:
        """Seconds of user and system time so far."""
        cpu = self.process.info("cpu")
        return float(cpu["used_cpu_user"]) + float(cpu["used_cpu_sys"])

    def empty(self) -> None:
        """Remove all keys, and no script."""
        self.process.call("flushall", "sync")


@contextmanager
def server(replicas: int = 0) -> Iterator[Server]:
    """A server, with so many replicas, that ends with the block."""
    token = secrets.token_hex(32)
    with tempfile.TemporaryDirectory() as folder, NodeContext(Path(folder)) as node_context:
        spec = GroupSpec(
            "speed",
            obtain("redis", "6.2"),
            replicas=replicas,
            users=(User.only(token),),
            node_bytes=NODE_BYTES,
            parameters=PARAMETERS,
        )
        group = Group(spec, node_context)
        try:
            (shard,) = group.shards
            node, others = shard.primary, tuple(each.server for each in shard.replicas)
            yield Server(*node.at, node_context.ca_file, token, node.server, others)
        finally:
            group.stop()
