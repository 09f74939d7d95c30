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
from example.__main__ import main
from tests.support import ROOT

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
def serving(variables: Mapping[str, str]) -> Iterator[Example]:
    """Serve it until the block ends."""
    with socket.socket() as free:
        free.bind((PROXY, 0))
        port = free.getsockname()[1]
    own = "REDIS_", "RATE_LIMIT_"
    inherited = {name: text for name, text in os.environ.items() if not name.startswith(own)}
    process = subprocess.Popen(
        [sys.executable, "-m", "example", "--port", str(port), "--workers", "1"],
        cwd=ROOT,
        env=inherited | {"PYTHONPATH": "client", **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        deadline, example = time.monotonic() + _STARTS_WITHIN, Example(port, process)
        while True:
            try:
                assert example.get("/healthz").status_code == 200
                break
            except requests.ConnectionError:
                assert process.poll() is None, "the example does not serve"
                assert time.monotonic() < deadline
                time.sleep(0.05)  # the server does not say when it listens
        yield example
    finally:
        process.terminate()
        try:
            process.communicate(timeout=_ENDS_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


@pytest.mark.servers
def test_only_a_named_proxy_is_believed_and_it_ends_without_a_complaint(nodes: Nodes) -> None:
    # uvicorn itself would believe it.
    with serving(variables(nodes) | PATIENT | {"TRUSTED_PROXIES": ""}) as example:
        addresses = [f"203.0.113.{number}" for number in range(90, 96)]
        assert [example.get("/mfa", each).status_code for each in addresses] == [200] * 5 + [429]
        log = example.end()
        assert example.process.returncode in (0, -15)  # uvicorn raises the signal again at the end
    assert "Application shutdown complete" in log
    for wrong in ("Traceback", "Task was destroyed", "unclosed", "never retrieved", nodes.token):
        assert wrong not in log


@pytest.mark.servers
def test_while_redis_is_away_closed_tiers_are_503_and_others_go_on(tmp_path: Path) -> None:
    with started(tmp_path / "nodes") as own, serving(variables(own)) as example:
        assert 200 in [example.get("/payments").status_code for _ in range(5)]
        own.group.stop()
        closed = example.get("/payments")
        assert (closed.status_code, int(closed.headers["retry-after"]) >= 1) == (503, True)
        local = [example.get("/search").status_code for _ in range(11)]
        assert local == [200] * 10 + [503]
        log = example.end()
    assert "Redis is away" in log
    assert not [wrong for wrong in ("Traceback", own.token) if wrong in log]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"REDIS_URL": ""}, "REDIS_URL"),
        ({"RATE_LIMIT_MFA": "5 a minute"}, "RATE_LIMIT_MFA"),
        ({"RATE_LIMIT_DEADLINE_MS": "soon"}, "RATE_LIMIT_DEADLINE_MS is 'soon'"),
        ({"TRUSTED_PROXIES": "proxy.internal"}, "'proxy.internal' is no trusted proxy"),
    ],
)
def test_a_wrong_setting_is_one_line_and_no_traceback(
    changed: dict[str, str],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("sys.argv", ["example"])
    for name, value in (
        {"REDIS_URL": "redis://localhost", "TRUSTED_PROXIES": PROXY} | changed
    ).items():
        monkeypatch.setenv(name, value)
    assert main() == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("example: ")
    assert said in line
