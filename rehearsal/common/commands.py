"""The commands behind make, run in the rehearsal's checkout, and clients in their own process."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import pexpect

from emulator.clean_environment import ROOT, run_command
from rehearsal.common.errors import RehearsalError
from rehearsal.common.rehearsal import Rehearsal

_READY = 90  # seconds
_ENDED = 90  # seconds


class ClientProcess:
    """`python -m <words>`, which prints a line when it is ready and ends with its standard input.

    As a context it is waited for, and killed at the end, whatever happened. What it says on
    standard error is in `log`.
    """

    def __init__(self, words: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self.log = log
        with log.open("ab") as file:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *words],
                cwd=ROOT,
                env=dict(environment),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=file,
                text=True,
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        """Wait until every client has had its first answers."""
        self._wait()
        return self

    def tell(self, word: str) -> None:
        """Tell the clients this, and wait for the line that says that all have heard it."""
        if self._process.stdin is not None:
            self._process.stdin.write(f"{word}\n")
            self._process.stdin.flush()
        self._wait()

    def _wait(self) -> None:
        out = self._process.stdout
        if out is None or not select.select([out], [], [], _READY)[0] or not out.readline():
            self._kill()
            raise RehearsalError(f"the clients do not answer: see {self.log.name}")

    def __exit__(self, *_: object) -> None:
        """End them, whatever happened."""
        self._kill()

    def told(self) -> str:
        """Let every client end its last round, and return what they print at the end."""
        try:
            told, _ = self._process.communicate(timeout=_ENDED)
        except subprocess.TimeoutExpired:
            raise RehearsalError(f"the clients did not end: see {self.log.name}") from None
        if self._process.returncode:
            raise RehearsalError(f"the clients ended by themselves: see {self.log.name}")
        return told

    def _kill(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


_LONGEST = 900  # seconds, on however busy a machine


def cdk(rehearsal: Rehearsal) -> list[str]:
    """The command line as the Makefile has it, with the environment's context."""
    program = ROOT / "node_modules/.bin/cdk"
    return [str(program), "--no-notices", "--context", f"env={rehearsal.checkout.name}"]


def module(name: str, *arguments: str) -> list[str]:
    """A module of tools/ with its arguments, as make runs it."""
    return [str(ROOT / ".venv/bin/python"), "-m", name, *arguments]


def deploy(rehearsal: Rehearsal, *, recreate: str = "", reviewed: bool = True) -> list[str]:
    """What make deploy runs before its health check."""
    given = (rehearsal.checkout.name, recreate, "1" if reviewed else "")
    return module("tools.deploy", *given, *cdk(rehearsal))


def prepare(rehearsal: Rehearsal) -> list[str]:
    """What make prepare ends with: the change sets of what was synthesised."""
    return module("tools.change_sets.prepare", rehearsal.checkout.name, *cdk(rehearsal))


def environment(rehearsal: Rehearsal) -> dict[str, str]:
    """The variables of a command."""
    return rehearsal.embedded_aws.environment | {"CDK_VALIDATION": "false", "PYTHONPATH": "lambda"}


def run(
    rehearsal: Rehearsal, command: list[str], folder: Path | None = None
) -> "subprocess.CompletedProcess[str]":
    """Run it, without a terminal, and return what it printed."""
    there = folder or rehearsal.checkout.folder
    return run_command(command, there, environment=environment(rehearsal), seconds=_LONGEST)


@contextmanager
def at_a_terminal(
    rehearsal: Rehearsal, command: list[str], folder: Path | None = None
) -> Iterator[Any]:
    """Run it at a terminal of its own, as pexpect's `spawn`; in the end it is killed, if it runs.

    With it goes everything that it started, as when a machine stops.
    """
    program, *arguments = command
    child = pexpect.spawn(
        program,
        arguments,
        cwd=str(folder or rehearsal.checkout.folder),
        env=environment(rehearsal),
        timeout=_LONGEST,
        encoding="utf-8",
        dimensions=(50, 500),
    )
    try:
        yield child
    finally:
        if child.isalive():
            os.killpg(child.pid, signal.SIGKILL)
        child.close()


def ended(child: Any) -> tuple[int, str]:
    """The exit status of a command at a terminal, and what it printed last."""
    child.expect_exact(pexpect.EOF)
    child.close()
    return child.exitstatus, child.before
