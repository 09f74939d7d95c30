"""What `make deploy` asks before it deploys, asked of the embedded AWS."""

from __future__ import annotations

import subprocess
import sys

from rehearsal.clean_environment import ROOT
from rehearsal.errors import RehearsalError
from rehearsal.rehearsal import Rehearsal

_PATIENCE = 60  # seconds


def deployment_waits(rehearsal: Rehearsal) -> str:
    """RehearsalError unless a deployment is refused now; returns what the user reads."""
    status, said = ask(rehearsal)
    if status != 1 or "not retired yet" not in said or "Try again in" not in said:
        raise RehearsalError(f"make deploy is not refused before the old token is retired: {said}")
    return said


def deployment_may_go(rehearsal: Rehearsal) -> None:
    """RehearsalError unless a deployment is let through now."""
    status, said = ask(rehearsal)
    if status != 0:
        raise RehearsalError(f"make deploy is refused at rest: {said}")


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
