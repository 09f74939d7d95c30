"""A measured process, from the parent's side."""

import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import IO, Any, cast

from benchmarks.limiter.server import Server
from emulator.clean_environment import ROOT

PYTHON = ROOT / ".venv-benchmarks/bin/python"


class MeasuredError(Exception):
    """A measured process ended or failed; its own words are on standard error."""


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
    names: Sequence[str], server: Server, *, deadline: float | None = None, **variables: str
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
