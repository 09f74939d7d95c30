"""The example application on real nodes, under the real server, in several processes."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
import requests

from emulator.bare_nodes import Nodes, started, variables
from tests.support import ROOT

pytestmark = pytest.mark.servers

# A decision that Redis itself must make is not left to the fallback by a busy machine.
PATIENT = {"RATE_LIMIT_DEADLINE_MS": "30000"}
PROXY = "127.0.0.1"  # what the tests make the application trust
_STARTS_WITHIN, _ENDS_WITHIN = 120.0, 60.0  # seconds


class Example(NamedTuple):
    """Where it listens."""

    port: int
    process: subprocess.Popen[str]

    def get(self, path: str, client: str = "203.0.113.1") -> requests.Response:
        """One request of a client behind the trusted proxy, on a connection of its own."""
        url = f"http://{PROXY}:{self.port}{path}"
        return requests.get(url, headers={"X-Forwarded-For": client}, timeout=60)

    def end(self) -> str:
        """Ask it to end, and return what it has logged."""
        self.process.terminate()
        log, _ = self.process.communicate(timeout=_ENDS_WITHIN)
        return log


@contextmanager
def serving(variables: Mapping[str, str], *, workers: int = 1) -> Iterator[Example]:
    """Serve it until the block ends."""
    with socket.socket() as free:
        free.bind((PROXY, 0))
        port = free.getsockname()[1]
    process = start(variables, "--port", str(port), "--workers", str(workers))
    try:
        deadline, example = time.monotonic() + _STARTS_WITHIN, Example(port, process)
        while True:
            try:
                assert example.get("/healthz").status_code == 200
                break
            except requests.ConnectionError:
                assert process.poll() is None, "the example does not serve"
                assert time.monotonic() < deadline
                time.sleep(0.05)  # the server tells nobody when it listens
        yield example
    finally:
        process.terminate()
        try:
            process.communicate(timeout=_ENDS_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def start(variables: Mapping[str, str], *arguments: str) -> subprocess.Popen[str]:
    """The command that users type."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("REDIS_", "RATE_LIMIT_"))
    }
    return subprocess.Popen(
        [sys.executable, "-m", "example", *arguments],
        cwd=ROOT,
        env=inherited | {"PYTHONPATH": "client", "TRUSTED_PROXIES": PROXY, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_a_server_on_this_machine_is_believed_only_when_it_is_named(nodes: Nodes) -> None:
    # uvicorn itself would believe it.
    with serving(variables(nodes) | PATIENT | {"TRUSTED_PROXIES": ""}) as example:
        statuses = [
            example.get("/mfa", f"203.0.113.{number}").status_code for number in range(90, 96)
        ]
    assert statuses == [200] * 5 + [429]


def test_while_redis_is_away_closed_tiers_are_503_and_others_go_on(tmp_path: Path) -> None:
    with started(tmp_path / "nodes") as own, serving(variables(own)) as example:
        admitted = [example.get("/payments") for _ in range(5)]
        assert 200 in [answer.status_code for answer in admitted]
        own.group.stop()
        closed = example.get("/payments")
        assert closed.status_code == 503
        assert closed.json()["type"].endswith("#temporary-reduced-capacity")
        assert int(closed.headers["retry-after"]) >= 1
        local = [example.get("/search") for _ in range(11)]
        assert [answer.status_code for answer in local] == [200] * 10 + [503]
        log = example.end()
    assert "Redis is away" in log
    assert "Traceback" not in log
    assert own.token not in log


def test_it_ends_when_asked_and_nothing_complains(nodes: Nodes) -> None:
    with serving(variables(nodes)) as example:
        example.get("/login", "203.0.113.80")
        log = example.end()
        assert example.process.returncode in (0, -15)  # uvicorn raises the signal again at the end
    assert "Application shutdown complete" in log
    for wrong in ("Traceback", "Task was destroyed", "unclosed", "never retrieved"):
        assert wrong not in log


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"REDIS_URL": ""}, "REDIS_URL"),
        ({"RATE_LIMIT_MFA": "5 a minute"}, "RATE_LIMIT_MFA"),
        ({"RATE_LIMIT_DEADLINE_MS": "soon"}, "RATE_LIMIT_DEADLINE_MS is 'soon'"),
        ({"TRUSTED_PROXIES": "proxy.internal"}, "'proxy.internal' is no trusted proxy"),
    ],
)
def test_a_wrong_setting_is_one_line_and_no_traceback(
    nodes: Nodes, changed: dict[str, str], told: str
) -> None:
    process = start(variables(nodes) | changed)
    log, _ = process.communicate(timeout=120)
    (line,) = log.splitlines()
    assert process.returncode == 1
    assert line.startswith("example: ")
    assert told in line
