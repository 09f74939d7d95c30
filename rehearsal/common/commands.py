"""The commands behind make, run in the rehearsal's checkout, and clients in their own process."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pexpect

from emulator.clean_environment import ROOT, run_command
from rehearsal.common.errors import expect_that
from rehearsal.common.rehearsal import Rehearsal

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
    own = {"CDK_VALIDATION": "false", "PYTHONPATH": "lambda"}
    return rehearsal.embedded_aws.environment | own | {"SSL_CERT_FILE": str(rehearsal.authority)}


def run(
    rehearsal: Rehearsal, command: list[str], said: str | None = None
) -> "subprocess.CompletedProcess[str]":
    """Run it, without a terminal, with this standard input, and return what it printed."""
    return run_command(
        command,
        rehearsal.checkout.folder,
        environment=environment(rehearsal),
        stdin=said,
        seconds=_LONGEST,
    )


def printed(
    rehearsal: Rehearsal,
    command: list[str],
    *words: str,
    fails: bool = False,
    said: str | None = None,
) -> str:
    """What it prints. RehearsalError if it ends otherwise, or does not print these words."""
    done = run(rehearsal, command, said)
    text, name = done.stdout + done.stderr, " ".join(command[1:4])
    ended = (done.returncode != 0) == fails and "Traceback" not in text
    expect_that(ended, f"{name} ended with status {done.returncode}:\n{text}")
    for one in words:
        expect_that(one in text, f"{name} does not say {one!r}:\n{text}")
    return text


def guard(rehearsal: Rehearsal) -> list[str]:
    """What make deploy asks before it begins."""
    return module("tools.deploy_guard", rehearsal.checkout.name)


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
