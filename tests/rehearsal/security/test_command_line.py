import io
import re
import socket

import pytest

from emulator.fixtures import Nodes
from emulator.nodes.context import NodeContext
from emulator.nodes.group import Group
from emulator.nodes.users import User
from environments.access import access_string
from rehearsal.security.__main__ import main
from tests.rehearsal.security.conftest import Start

Output = pytest.CaptureFixture[str]


def test_an_endpoint_that_holds_passes_and_is_told_so_line_by_line(
    start: Start, node_context: NodeContext, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    group = start(replicas=1)
    token = group.spec.users[0].passwords[0]
    monkeypatch.setenv("SSL_CERT_FILE", str(node_context.ca_file))
    monkeypatch.setattr("sys.stdin", io.StringIO(token))
    primary = group.shards[0].primary
    before = _refused(group)
    urls = (f"rediss://{group.endpoints.primary}:6379", f"rediss://{group.endpoints.reader}:6379")
    status = main(urls)
    output = capsys.readouterr().out
    failed = [line for line in output.splitlines() if line.startswith("  FAIL")]
    assert (status, failed) == (0, [])
    assert "10 passed, 0 failed, 4 not checked here." in output
    assert len(output.splitlines()) < 24
    assert token not in output
    (most,) = re.findall(r"At most (\d+) wrong logins", output)
    assert 10 < _refused(group) - before <= int(most)
    assert primary.alive


def test_a_check_that_fails_makes_the_status_1(
    start: Start, node_context: NodeContext, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    group = start(users=(User(("short",), access_string([])),))
    monkeypatch.setenv("SSL_CERT_FILE", str(node_context.ca_file))
    monkeypatch.setattr("sys.stdin", io.StringIO("short"))
    assert main([f"rediss://{group.endpoints.primary}"]) == 1
    output = capsys.readouterr().out
    assert re.search(r"FAIL  guessing the token is hopeless +the token has 24 bits", output)
    assert "9 passed, 1 failed, 4 not checked here." in output


def test_without_a_token_what_needs_none_is_tried(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(nodes.ca_file))
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert main([nodes.primary_url]) == 0
    assert "8 passed, 0 failed, 6 not checked here." in capsys.readouterr().out


def test_a_wrong_token_ends_it_before_the_attack(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(nodes.ca_file))
    monkeypatch.setattr("sys.stdin", io.StringIO("mistyped"))
    before = _refused(nodes.group)
    assert main([nodes.primary_url]) == 2
    said = capsys.readouterr()
    assert "refuses the token" in said.err
    assert "PASS" not in said.out
    assert _refused(nodes.group) - before == 1


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("redis://127.0.0.1:6379", "not the address of a Redis with TLS"),
        ("127.0.0.1:6379", "not the address of a Redis with TLS"),
        ("rediss://127.0.0.1:six", "not the address of a Redis with TLS"),
        ("rediss://:hunter2@127.0.0.1:6379", "holds more than an address"),
    ],
)
def test_a_url_that_is_none_is_told_and_not_repeated(
    url: str, problem: str, capsys: Output
) -> None:
    assert main([url]) == 2
    said = capsys.readouterr()
    assert problem in said.err
    assert "hunter2" not in said.err + said.out


def test_an_endpoint_that_nobody_reaches_is_told(capsys: Output) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    assert main([f"rediss://127.0.0.1:{port}"]) == 2
    assert "cannot be reached from here" in capsys.readouterr().err


def _refused(group: Group) -> int:
    """Over all nodes."""
    total = 0
    for node in group.shards[0].nodes:
        total += node.server.info("errorstats").get("errorstat_WRONGPASS", {}).get("count", 0)
    return total
