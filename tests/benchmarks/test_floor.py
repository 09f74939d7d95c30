"""The floor of ``make bench`` is honest: it loads what the app loads, no more and no less."""

import json
import os
import subprocess
import sys
from pathlib import Path

from rehearsal.common.checkout import copy
from tests.support import Document

# Printed after a whole run, since the library may load a module when it is first used;
# with -O as in cdk.json, since the library's checks of types load more.
LOADED = """
import runpy, sys
runpy.run_module({module!r}, run_name="__main__")
print(*(name for name in sys.modules if name.startswith(("aws_cdk", "jsii"))))
"""


def loaded(checkout: Path, module: str, output: Path, context: str) -> set[str]:
    """The library's modules that a run of ``module`` has loaded at its end."""
    done = subprocess.run(
        [sys.executable, "-O", "-c", LOADED.format(module=module)],
        cwd=checkout,
        env={**os.environ, "CDK_OUTDIR": str(output), "CDK_CONTEXT_JSON": context},
        capture_output=True,
        text=True,
        timeout=240,
        check=True,
    )
    return set(done.stdout.splitlines()[-1].split())


def test_the_floor_loads_the_very_modules_that_the_app_loads(
    tmp_path: Path, context: Document
) -> None:
    handed = json.dumps(context)
    copy(checkout := tmp_path / "checkout")
    app = loaded(checkout, "app", tmp_path / "app", handed)
    floor = loaded(checkout, "benchmarks.floor_app", tmp_path / "floor", handed)
    assert "aws_cdk.aws_ec2" in app
    assert sorted(app ^ floor) == []
