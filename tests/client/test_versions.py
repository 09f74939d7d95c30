"""The range of redis-py and of Python that the package's metadata state, each with real nodes."""

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest

from tests.client.conftest import Start, variables
from tests.support import ROOT

# The first of each line of releases whose connections are made in another way, and the last of all.
RELEASES = ["5.0.1", "5.3.1", "6.0.0", "6.4.0", "7.0.1", "7.4.0", "8.0.0", "8.1.0"]
HIREDIS = "3.5.0"


def test_the_range_is_the_one_that_is_tried() -> None:
    project = tomllib.loads((ROOT / "client" / "pyproject.toml").read_text())["project"]
    major = int(RELEASES[-1].partition(".")[0])
    assert f"redis>={RELEASES[0]},<{major + 1}" in project["dependencies"]
    assert project["requires-python"] == ">=3.11"


@pytest.mark.long
@pytest.mark.parametrize(
    ("python", "release"),
    [*product(["3.11"], RELEASES), *product(["3.12", "3.13", "3.14"], ["5.0.1", "8.1.0"])],
)
def test_both_limiters_and_both_pools_work_with(start: Start, python: str, release: str) -> None:
    uv = str(Path(sys.executable).with_name("uv"))
    if subprocess.run([uv, "python", "find", "--offline", python], check=False).returncode:
        pytest.skip(f"Python {python} is not on this machine")
    packages = ["--with", f"redis=={release}", "--with", f"hiredis=={HIREDIS}"]
    run = [uv, "run", "--isolated", "--no-project", "--python", python, *packages]
    group = start(replicas=1)
    url = f"rediss://{group.endpoints.primary}:{group.spec.port}"
    child = subprocess.Popen(
        [*run, str(Path(__file__).with_name("in_another_version.py"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT / "client"), "UV_PYTHON_DOWNLOADS": "never"},
    )
    assert child.stdin is not None
    assert child.stdout is not None
    harm: list[Callable[[], object]] = [
        lambda: None,
        lambda: group.shards[0].primary.server.call("script", "flush"),
        lambda: group.shards[0].primary.server.call("client", "kill", "user", "default"),
        lambda: group.fail_over("0001"),
    ]
    with child:
        child.stdin.write(json.dumps(variables(url, group.spec.users[0].passwords[-1])) + "\n")
        for left, act in zip((4, 3, 2, 1), harm, strict=True):
            act()
            child.stdin.write("\n")
            child.stdin.flush()
            answer = json.loads(child.stdout.readline() or "null")
            assert answer == [release, [["redis", left]] * 2, [True] * 2]
        child.stdin.close()
        assert child.wait(20) == 0
