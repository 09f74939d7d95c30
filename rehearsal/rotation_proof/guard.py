"""What `make deploy` asks before it deploys, asked of the embedded AWS."""

from __future__ import annotations

import subprocess
import sys

from rehearsal.clean_environment import ROOT
from rehearsal.rehearsal import Rehearsal

_PATIENCE = 60  # seconds


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
