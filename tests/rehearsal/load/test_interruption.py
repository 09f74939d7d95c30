"""Ctrl-C ends everything that the load test has started, and none of it shows the token."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from emulator.nodes.waiting import until
from rehearsal.load.programs import ROOT

pytestmark = pytest.mark.servers


def descendants(pid: int) -> set[int]:
    """Every process below that one."""
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue  # it has ended meanwhile
    found, new = set[int](), {pid}
    while new:
        new = {child for child, parent in parents.items() if parent in new}
        found |= new
    return found


def alive(pids: set[int]) -> set[int]:
    return {pid for pid in pids if Path(f"/proc/{pid}").exists()}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_load_test_leaves_nothing_behind_and_showed_no_token(
    number: signal.Signals, tmp_path: Path
) -> None:
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
            process.send_signal(number)
            _, said = process.communicate(timeout=180)
        finally:
            process.kill()
    assert process.returncode == 130
    assert said == "loadtest: interrupted; everything that it had started has ended\n"
    assert alive(started) == set()
    assert any(b"REDIS_URL=" in environment for environment in shown)
    assert not any(b"REDIS_PASSWORD=" in environment for environment in shown)
    assert list(tmp_path.iterdir()) == []
