"""What runs in AWS passes its tests on the Python that it is deployed for."""

import os
from pathlib import Path

import pytest

from constructs.common.own_function import RUNTIME
from emulator.clean_environment import run_command
from tests.support import ROOT

PYTHON = ROOT / ".venv-functions" / "bin" / "python"
VERSION = RUNTIME.removeprefix("python")


@pytest.mark.slow
def test_the_functions_pass_their_tests_on_the_runtime_that_is_deployed() -> None:
    if not PYTHON.exists() and "GITHUB_ACTIONS" not in os.environ:
        pytest.skip(f"not run on {VERSION}: there is no such interpreter")
    folders = sorted(str(each) for each in Path(ROOT, "tests").glob("lambda_*"))
    kinds = "not servers and not slow and not search and not long"
    command = [str(PYTHON), "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", kinds, *folders]
    done = run_command(command, seconds=900)
    assert done.returncode == 0, done.stdout[-3000:]
    asked = run_command([PYTHON, "-c", "import sys; print(*sys.version_info[:2], sep='.')"])
    assert asked.stdout.strip() == VERSION
