"""The tests that are marked with a section of the plan, asked of pytest itself."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

Marked = dict[str, list[str]]  # test id -> the sections that it proves
_LIMIT = 300  # seconds


class CollectionError(Exception):
    """pytest could not collect the tests; its last words are in the message."""


def marked(root: Path) -> Marked:
    """Collect every marked test of the checkout at ``root``. Raises CollectionError."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "marked.json"
        # Without the cache, or it would forget what failed last for whoever runs the tests.
        plugins = ["-p", "no:cacheprovider", "-p", "tools.report.plan_collector"]
        collect = ["--collect-only", "-q", "-m", "plan", *plugins, "--plan-json", str(file)]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *collect],
            cwd=root,
            capture_output=True,
            text=True,
            timeout=_LIMIT,
            check=False,
        )
        if done.returncode != 0:
            words = (done.stdout + done.stderr).strip().splitlines()
            raise CollectionError("the tests cannot be collected:\n" + "\n".join(words[-15:]))
        found: Marked = json.loads(file.read_text())
    return found
