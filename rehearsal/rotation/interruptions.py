"""How many points the property-based tests of the function interrupt it at."""

from __future__ import annotations

import re
import subprocess
import sys

from emulator.clean_environment import ROOT
from emulator.errors import RehearsalError
from rehearsal.common.rehearsal import Rehearsal

_TESTS = "tests/lambda_rotation/test_interruptions.py"
_LONGEST = 300  # seconds
_COUNTED = re.compile(r"^\s*(\d+ interruption points.*)$", re.MULTILINE)


def tried(_rehearsal: Rehearsal) -> str:
    """Run those tests and return their count; RehearsalError when one fails or nothing counts."""
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "--quiet", "--no-header", _TESTS],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=_LONGEST,
        check=False,
    )
    if ran.returncode:
        raise RehearsalError(f"{_TESTS} fails\n{ran.stdout[-2000:]}")
    return counted(ran.stdout)


def counted(printed: str) -> str:
    """The count in what the tests printed."""
    found = _COUNTED.search(printed)
    if found is None:
        raise RehearsalError(f"{_TESTS} does not print how many interruption points it tried")
    return found[1]
