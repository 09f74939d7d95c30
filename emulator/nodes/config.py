"""The configuration that a server reads from its standard input: no file holds a password."""

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from emulator.nodes.context import Identity
from emulator.nodes.spec import GroupSpec

CONTROL_USER = "rehearsal"
CLUSTER_STATE = "nodes.conf"

# ElastiCache user guide, "Supported and restricted commands". Their answer, ERR unknown command,
# is what renaming gives; the rehearsal itself calls them by the secret name.
RENAMED = (
    *("bgrewriteaof", "bgsave", "config", "debug", "failover"),
    *("migrate", "replicaof", "save", "slaveof", "shutdown"),
)


@dataclass(frozen=True)
class Control:
    """How the rehearsal itself reaches the nodes of one group, whatever users they have."""

    password: str = field(default_factory=lambda: secrets.token_hex(32), repr=False)
    suffix: str = field(default_factory=lambda: secrets.token_hex(8), repr=False)

    def command(self, name: str) -> str:
        """The name under which a restricted command is still there."""
        return f"{name}-{self.suffix}" if name.lower() in RENAMED else name


@dataclass(frozen=True)
class Settings:
    """Everything that one server of a group is started with."""

    spec: GroupSpec
    address: str
    folder: Path
    control: Control
    authority: Path
    identity: Identity | None
    primary: tuple[str, int] | None


def render(settings: Settings) -> str:
    """The configuration as the server's own directives, one per line."""
    return "\n".join(f"{name} {value}" for name, value in _lines(settings)) + "\n"


def _lines(settings: Settings) -> Iterator[tuple[str, str]]:
    spec, control = settings.spec, settings.control
    yield "bind", settings.address
    yield from _port(settings)
    yield "dir", _quoted(settings.folder)
    yield "logfile", _quoted(settings.folder / "server.log")
    yield "daemonize", "no"
    yield "protected-mode", "no"
    yield "save", '""'
    yield "appendonly", "no"
    yield "maxmemory", str(maxmemory(spec.node_bytes, spec.parameters))
    for name, value in directives(spec.parameters):
        yield name, value or '""'
    for name in RENAMED:
        yield "rename-command", f"{name} {control.command(name)}"
    yield "user", f"{CONTROL_USER} on >{control.password} ~* &* +@all"
    for user in spec.users:
        yield "user", " ".join(map(_quoted, [user.name, *user.rules()]))
    yield "masteruser", CONTROL_USER
    yield "masterauth", control.password
    yield "replica-announce-ip", settings.address
    # Both waits are a production server's: here they would only be seconds lost.
    yield "repl-diskless-sync-delay", "0"
    yield "repl-ping-replica-period", "1"
    if spec.cluster:
        yield "cluster-enabled", "yes"
        yield "cluster-config-file", CLUSTER_STATE
        # Redis' own default: a node that waits for a processor on a busy machine is not lost.
        yield "cluster-node-timeout", "15000"
        yield "cluster-replica-no-failover", "yes"
        yield "cluster-announce-ip", settings.address
    elif settings.primary is not None:
        yield "replicaof", f"{settings.primary[0]} {settings.primary[1]}"


def _port(settings: Settings) -> Iterator[tuple[str, str]]:
    if settings.identity is None:
        yield "port", str(settings.spec.port)
        return
    yield "port", "0"
    yield "tls-port", str(settings.spec.port)
    yield "tls-cert-file", _quoted(settings.identity.certificate)
    yield "tls-key-file", _quoted(settings.identity.key)
    yield "tls-ca-cert-file", _quoted(settings.authority)
    yield "tls-auth-clients", "no"
    yield "tls-replication", "yes"
    if settings.spec.cluster:
        yield "tls-cluster", "yes"


def _quoted(word: Path | str) -> str:
    return '"' + str(word).replace("\\", "\\\\").replace('"', '\\"') + '"'


# Parameters that ElastiCache adds to the engine's own have no directive, and what becomes of each
# here. Source: ElastiCache user guide, "Engine specific parameters".
IGNORED = {
    "reserved-memory": "turned into maxmemory when the memory of the node is known",
    "reserved-memory-percent": "turned into maxmemory when the memory of the node is known",
    "cluster-enabled": "follows from the group's topology",
    "cluster-allow-replica-migration": "a shard keeps its replicas: nothing migrates here",
    "close-on-replica-write": "ElastiCache's own: the rehearsal's replicas answer READONLY only",
    "close-on-slave-write": "ElastiCache's own: the rehearsal's replicas answer READONLY only",
    "slave-allow-chaining": "ElastiCache's own: replicas of replicas are never made here",
    "databases": "the server's own default is the same; cluster mode has one",
    "cluster-preferred-endpoint-type": "ElastiCache's own: members are reached by address here",
    "rename-commands": "commands keep their names here",
    "maxclients": "cannot be modified; each node type's figure is far above what one machine opens",
}

# One directive of the server carries what ElastiCache splits into three parameters.
OUTPUT_LIMITS = {
    f"client-output-buffer-limit-{name}-{part}": (kind, position)
    for name, kind in zip(
        ("normal", "pubsub", "replica", "slave"),
        ("normal", "pubsub", "replica", "replica"),
        strict=True,
    )
    for position, part in enumerate(("hard-limit", "soft-limit", "soft-seconds"))
}

DEFAULT_RESERVED_PERCENT = 25


def directives(parameters: Mapping[str, str]) -> list[tuple[str, str]]:
    """Server directives, as lines of its configuration or for CONFIG SET one after the other."""
    lines = [
        (name, value)
        for name, value in parameters.items()
        if name not in IGNORED and name not in OUTPUT_LIMITS
    ]
    limits: dict[str, list[str]] = {}
    for name, (kind, position) in OUTPUT_LIMITS.items():
        if name in parameters:
            limits.setdefault(kind, ["0", "0", "0"])[position] = parameters[name]
    lines += [
        ("client-output-buffer-limit", " ".join([kind, *values])) for kind, values in limits.items()
    ]
    return lines


def maxmemory(node_bytes: int, parameters: Mapping[str, str]) -> int:
    """Bytes for data on a node whose maxmemory is `node_bytes` before the reserve is taken."""
    percent = int(parameters.get("reserved-memory-percent", DEFAULT_RESERVED_PERCENT))
    return node_bytes * (100 - percent) // 100
