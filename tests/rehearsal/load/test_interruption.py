"""Ctrl-C ends everything that the load test has started, and none of it shows the token."""

import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from emulator.clean_environment import ROOT
from emulator.nodes.waiting import until

pytestmark = pytest.mark.servers


def descendants(pid: int) -> set[int]:
    """Every process below that one."""
    return {child.pid for child in psutil.Process(pid).children(recursive=True)}


def test_an_interrupted_load_test_leaves_nothing_behind_and_showed_no_token(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.plan", "rehearsal.load"],
        cwd=ROOT,
        env={"PATH": f"{ROOT}/.venv/bin:/usr/bin:/bin", "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            # Three nodes, the forwarder, two instances, the generator.
            until(lambda: len(descendants(process.pid)) >= 7, 240, "everything runs")
            started = descendants(process.pid)
            shown = [Path(f"/proc/{pid}/environ").read_bytes() for pid in started]
            process.send_signal(signal.SIGTERM)  # handled as Ctrl-C is
            _, said = process.communicate(timeout=180)
        finally:
            process.kill()
    assert process.returncode == 130
    assert said == "loadtest: interrupted; everything that it had started has ended\n"
    assert not list(filter(psutil.pid_exists, started))
    assert any(b"REDIS_URL=" in environment for environment in shown)
    assert not any(b"REDIS_PASSWORD=" in environment for environment in shown)
    assert list(tmp_path.iterdir()) == []
