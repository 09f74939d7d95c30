"""A measured process, from the parent's side."""

import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import IO, Any

from benchmarks.limiter.server import Server
from emulator.clean_environment import ROOT

PYTHON = ROOT / ".venv-benchmarks/bin/python"


class MeasuredError(Exception):
    """A measured process ended or failed; its own words are on standard error."""


@dataclass(frozen=True)
class Limit:
    """What a candidate is to keep; `deadline` in seconds, None for ours' own default."""

    requests: int = 120
    seconds: int = 60
    deadline: float | None = None


class Worker:
    """Asks one measured process, which answers one command after the other."""

    def __init__(self, name: str, process: subprocess.Popen[str]) -> None:
        self.name = name
        self.about: Mapping[str, str] = {}
        self._process = process
        self._commands: IO[str] = _pipe(process.stdin)
        self._answers: IO[str] = _pipe(process.stdout)

    def ask(self, command: str, **details: Any) -> Any:
        """Do this and wait for the answer. Raises MeasuredError."""
        self.start(command, **details)
        return self.finish()

    def start(self, command: str, **details: Any) -> None:
        """Begin this; other processes may be asked meanwhile."""
        try:
            self._commands.write(json.dumps({"do": command, **details}) + "\n")
            self._commands.flush()
        except BrokenPipeError:
            raise MeasuredError(f"{self.name}: the measured process is gone") from None

    def finish(self) -> Any:
        """What has become of it. Raises MeasuredError."""
        answer = self._answers.readline()
        if not answer:
            raise MeasuredError(f"{self.name}: the measured process failed")
        return json.loads(answer)


@contextmanager
def workers(
    names: Sequence[str], server: Server, limit: Limit, *, in_turn: bool = False
) -> Iterator[list[Worker]]:
    """A connected process for each name; all of them end with the block.

    `in_turn` lets one after the other connect: a library makes a TLS context a connection.
    """
    processes: list[subprocess.Popen[str]] = []
    try:
        processes += [_spawn() for _ in names]
        made = [Worker(*pair) for pair in zip(names, processes, strict=True)]
        access = {"host": server.host, "port": server.port, "token": server.token}
        access |= {"ca_file": str(server.ca_file), **asdict(limit)}
        for worker in made:
            worker.start("open", candidate=worker.name, access=access)
            if in_turn:
                worker.about = worker.finish()
        for worker in made if not in_turn else ():
            worker.about = worker.finish()
        yield made
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.communicate()


def _spawn() -> subprocess.Popen[str]:
    if not PYTHON.exists():
        raise MeasuredError(f"{PYTHON.relative_to(ROOT)} is missing: make setup-benchmarks")
    # The secrets go through the pipe: neither the command line nor the environment shows them.
    return subprocess.Popen(
        ["setpriv", "--pdeathsig", "KILL", str(PYTHON), "-m", "benchmarks.limiter.measured"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT}:{ROOT / 'client'}", "PATH": "/usr/bin:/bin"},
    )


def _pipe(stream: IO[str] | None) -> IO[str]:
    assert stream is not None  # noqa: S101 - both were asked for
    return stream
