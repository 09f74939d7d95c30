"""The server that all candidates ask, and the measured processes from the parent's side."""

import json
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

from emulator.bare_nodes import LIMITS, PARAMETERS
from emulator.clean_environment import ROOT
from emulator.engines import obtain
from emulator.nodes.context import NodeContext
from emulator.nodes.group import Group
from emulator.nodes.server import Server as Process
from emulator.nodes.spec import GroupSpec
from emulator.nodes.users import User
from vibewell_redis import Settings, tls
from vibewell_redis.deciding import DEADLINE

NODE_BYTES = 512 << 20  # nothing is evicted
PYTHON = ROOT / ".venv-benchmarks/bin/python"


class MeasuredError(Exception):
    """A measured process ended or failed; its own words are on standard error."""


def show(text: str) -> None:
    """Say what is going on, on standard error; a terminal shows the last of it alone."""
    if sys.stderr.isatty():
        print(f"\r{text:<78}\r", end="", file=sys.stderr, flush=True)
    elif text:
        print(text, file=sys.stderr, flush=True)


def cpu_of(process: Process) -> float:
    """Seconds of user and system time so far."""
    cpu = process.info("cpu")
    return float(cpu["used_cpu_user"]) + float(cpu["used_cpu_sys"])


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


class Worker:
    """Asks one measured process, which answers one command after the other."""

    def __init__(self, name: str) -> None:
        self.name = name
        # The secrets go through the pipe: neither the command line nor the environment shows them.
        self._process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", str(PYTHON), "-m", "benchmarks.limiter.measured"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={"PYTHONPATH": f"{ROOT}:{ROOT / 'client'}", "PATH": "/usr/bin:/bin"},
        )

    def ask(self, command: str, **details: Any) -> Any:
        """Do this and wait for the answer. Raises MeasuredError."""
        self.start(command, **details)
        return self.finish()

    def start(self, command: str, **details: Any) -> None:
        """Begin this; other processes may be asked meanwhile."""
        commands = cast("IO[str]", self._process.stdin)
        try:
            commands.write(json.dumps({"do": command, **details}) + "\n")
            commands.flush()
        except BrokenPipeError:
            raise MeasuredError(f"{self.name}: the measured process has ended") from None

    def finish(self) -> Any:
        """The result. Raises MeasuredError."""
        answer = cast("IO[str]", self._process.stdout).readline()
        if not answer:
            raise MeasuredError(f"{self.name}: the measured process failed")
        return json.loads(answer)

    def end(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()


@contextmanager
def workers(
    names: Sequence[str], server: Server, *, deadline: float = DEADLINE, **variables: str
) -> Iterator[list[Worker]]:
    """A connected process for each name; all of them end with the block.

    ``deadline`` is ours, in seconds; ``variables`` are those that differ from the server's.
    """
    if not PYTHON.exists():
        raise MeasuredError(f"{PYTHON.relative_to(ROOT)} is missing: make setup-benchmarks")
    with ExitStack() as stack:
        made = []
        for name in names:  # one after the other: some libraries make a TLS context a connection
            made.append(worker := Worker(name))
            stack.callback(worker.end)
            access = server.variables | variables
            worker.ask("open", candidate=name, variables=access, deadline=deadline)
        yield made
