"""A rehearsal stays on this machine and reads nothing of the user's."""

import os
import subprocess
import sys
from ipaddress import ip_address
from pathlib import Path

import pytest

from emulator.clean_environment import ROOT, clean_environment, require_loopback
from emulator.embedded_aws import EmbeddedAws
from emulator.errors import EmulatorError
from rehearsal.common.rehearsal import Clients, Rehearsal
from rehearsal.security.exposure import listening
from tests.emulator.aws.conftest import eventually

ENDPOINT = "http://127.0.0.1:9"


@pytest.mark.parametrize(
    "endpoint",
    ["https://elasticache.us-east-1.amazonaws.com", "http://192.168.0.7:4566", "http://aws", ""],
)
def test_an_endpoint_that_is_not_loopback_is_refused(endpoint: str, tmp_path: Path) -> None:
    with pytest.raises(EmulatorError, match="not a loopback address"):
        clean_environment(tmp_path, endpoint)


@pytest.mark.parametrize("endpoint", [ENDPOINT, "http://[::1]:9", "http://127.99.0.1:9"])
def test_every_loopback_address_is_accepted(endpoint: str) -> None:
    require_loopback(endpoint)


def test_nothing_of_the_users_aws_is_passed_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_CONTAINER_CREDENTIALS_FULL_URI"):
        monkeypatch.setenv(name, "the user's")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "the user's")
    environment = clean_environment(tmp_path, ENDPOINT)
    assert "the user's" not in environment.values()
    assert environment["HOME"] == str(tmp_path)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        assert Path(environment[name]).read_text() == ""


def test_clients_do_not_look_at_the_users_profile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "one-that-does-not-exist")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://example.com")
    client = Clients(clean_environment(tmp_path, ENDPOINT))("sns")
    assert client.meta.endpoint_url == ENDPOINT
    assert os.environ["AWS_PROFILE"] == "one-that-does-not-exist"


def test_everything_listens_on_loopback_only(embedded_aws: Rehearsal) -> None:
    port = int(embedded_aws.embedded_aws.endpoint.rpartition(":")[2])
    sockets = listening(embedded_aws.embedded_aws.pid)
    assert port in [at for _, at in sockets]
    assert all(ip_address(address).is_loopback for address, _ in sockets), sockets


def test_it_ends_with_the_process_that_started_it_even_if_that_is_killed(tmp_path: Path) -> None:
    code = f"""
import pathlib, sys
from emulator.embedded_aws import EmbeddedAws
started = EmbeddedAws(pathlib.Path({str(tmp_path)!r}))
started.start(outlives_us=False)
print(started.pid, flush=True)
sys.stdin.read()
"""
    with subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as starter:
        assert starter.stdout is not None
        server = Path("/proc") / starter.stdout.readline().strip()
        assert server.exists()
        starter.kill()
    eventually(lambda: not server.exists(), "the server has ended")


def test_a_server_that_does_not_start_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("emulator.embedded_aws.PYTHON", Path("/bin/false"))
    started = EmbeddedAws(tmp_path)
    with pytest.raises(EmulatorError, match="did not start"):
        started.start(outlives_us=False)
    started.stop()
