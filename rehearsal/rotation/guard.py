"""What `make deploy` asks before it deploys, asked of the embedded AWS."""

from __future__ import annotations

import subprocess
import sys

from emulator.clean_environment import ROOT
from emulator.errors import RehearsalError
from rehearsal.common.rehearsal import Rehearsal

_PATIENCE = 60  # seconds


def only_of_the_user(rehearsal: Rehearsal) -> str:
    """While two tokens live, only a deployment that changes the user is refused."""
    status, said = ask(rehearsal)
    if status != 0:
        raise RehearsalError(f"make deploy is refused though the user stays as it is: {said}")
    rehearsal.checkout.add("redis", 'extra_commands = ["keys"]')
    try:
        status, said = ask(rehearsal)
    finally:
        rehearsal.checkout.remove("extra_commands")
    if status != 1 or "the user would be changed" not in said or "Try again in" not in said:
        raise RehearsalError(f"make deploy is not refused before the old token is retired: {said}")
    return said.rpartition(". ")[2]


def ask(rehearsal: Rehearsal) -> tuple[int, str]:
    """Its exit status and what the user reads."""
    done = subprocess.run(
        [sys.executable, "-m", "tools.deploy_guard", rehearsal.checkout.name],
        cwd=rehearsal.checkout.folder,
        env=rehearsal.embedded_aws.environment | {"PYTHONPATH": str(ROOT / "lambda")},
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
        check=False,
    )
    return done.returncode, done.stderr.strip()
