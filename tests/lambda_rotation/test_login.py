"""Logins on real servers with TLS, and on one that answers as Redis does when it cannot serve."""

import inspect
import secrets
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import nullcontext, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from redis._parsers import _RESP2Parser
from redis.connection import AbstractConnection, DefaultParser

from emulator.fixtures import Nodes, nodes
from emulator.nodes.context import Authority
from shared import login
from shared.auth_token import AuthToken
from shared.errors import UnreachableError
from shared.group import Endpoint
from shared.login import log_in, try_tokens

__all__ = ["nodes"]

UNCONFIGURED = (
    "AUTH <password> called without any password configured for the default user. "
    "Are you sure your configuration is correct?"
)
Serve = Callable[..., Endpoint]


def token(text: str) -> AuthToken:
    return AuthToken(text, created=datetime.now(UTC))


@pytest.fixture(params=["as in AWS", "with hiredis"], autouse=True)
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Functions bring no hiredis, which the tests' environment has: redis-py parses by itself."""
    if request.param == "as in AWS":
        made = inspect.unwrap(AbstractConnection.__init__)
        assert DefaultParser in made.__defaults__
        own = tuple(_RESP2Parser if one is DefaultParser else one for one in made.__defaults__)
        monkeypatch.setattr(made, "__defaults__", own)


@pytest.fixture
def primary(nodes: Nodes, monkeypatch: pytest.MonkeyPatch) -> Endpoint:
    monkeypatch.setenv("SSL_CERT_FILE", str(nodes.ca_file))
    return Endpoint("primary", nodes.group.endpoints.primary, nodes.group.spec.port)


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def serve(authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Serve one TLS connection with these answers, one a command; ``asked`` takes the commands."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    started: list[tuple[socket.socket, threading.Thread]] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)

    def talk(listener: socket.socket, answers: tuple[str, ...], asked: list[bytes]) -> None:
        connection, _ = listener.accept()
        connection.settimeout(5)
        # The client may not like the certificate, or wait no longer.
        with suppress(OSError), context.wrap_socket(connection, server_side=True) as channel:
            for answer in answers:
                asked.append(channel.recv(4096))
                channel.sendall(f"{answer}\r\n".encode())
            while channel.recv(4096):
                pass

    def run(
        *answers: str, certificate_for: str = "127.0.0.1", asked: list[bytes] | None = None
    ) -> Endpoint:
        identity = authority.issue(tmp_path, [certificate_for])
        context.load_cert_chain(identity.certificate, identity.key)
        listener = socket.create_server(("127.0.0.1", 0))
        kept = [] if asked is None else asked
        thread = threading.Thread(target=talk, args=(listener, answers, kept))
        thread.start()
        started.append((listener, thread))
        return Endpoint("primary", "127.0.0.1", listener.getsockname()[1])

    yield run
    for listener, thread in started:
        listener.close()
        thread.join(timeout=60)
        assert not thread.is_alive()


def test_each_token_is_tried_on_its_own(nodes: Nodes, primary: Endpoint) -> None:
    good, bad, worse = token(nodes.token), *(token(secrets.token_hex(32)) for _ in range(2))
    for endpoint in (primary, replace(primary, host=nodes.group.endpoints.reader)):
        assert [log_in(endpoint, one) for one in (good, bad)] == [True, False]
    for tokens in ([good, bad], [bad, good], [good], [bad], [bad, worse, good], []):
        found = try_tokens(primary, tokens)
        assert found.taken == {one: one == good for one in tokens}
        assert found.open is False


def test_a_user_without_a_password_refuses_tokens_and_serves_who_gives_none(
    nodes: Nodes, primary: Endpoint
) -> None:
    """So a random token that is refused says nothing: Redis 6.2 answers AUTH with an error."""
    good, random = token(nodes.token), token(secrets.token_hex(32))
    server = nodes.group.node(nodes.group.members[0].name).server
    server.call("acl", "setuser", "default", "nopass")
    try:
        assert not log_in(primary, good)
        found = try_tokens(primary, [good, random])
        assert found.taken == {good: False, random: False}
        assert found.open is True
    finally:
        server.call("acl", "setuser", "default", "resetpass", f">{good.text}")
    assert try_tokens(primary, [good]).taken == {good: True}


@pytest.mark.parametrize("wrong", ["authority", "name"])
def test_a_certificate_that_is_not_good_is_no_answer_and_gets_no_token(
    wrong: str, serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bytes] = []
    name = "127.99.99.99" if wrong == "name" else "127.0.0.1"
    endpoint = serve("+OK", "+PONG", certificate_for=name, asked=asked)
    if wrong == "authority":
        (tmp_path / "other").mkdir()
        monkeypatch.setenv("SSL_CERT_FILE", str(Authority(tmp_path / "other").file))
    with pytest.raises(UnreachableError, match="certificate that is not valid"):
        log_in(endpoint, token("T" * 64))
    assert not asked


def test_a_login_is_auth_and_ping_and_nothing_else(serve: Serve) -> None:
    asked: list[bytes] = []
    assert log_in(serve("+OK", "+PONG", asked=asked), token("T" * 64))
    assert [command.split(b"\r\n")[2] for command in asked] == [b"AUTH", b"PING"]


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        (["-WRONGPASS invalid username-password pair or user is disabled."], None),
        (["-ERR invalid password"], None),
        ([f"-ERR {UNCONFIGURED}"], None),
        (["+OK", "-LOADING Redis is loading the dataset in memory"], "is loading"),
        (["-LOADING Redis is loading the dataset in memory"], "is loading"),
        (["-ERR max number of clients reached"], "cannot be connected to"),
        (["+OK", "-MASTERDOWN Link with MASTER is down"], "MasterDownError"),
        (["+OK", "-READONLY You can't write against a read only replica."], "ReadOnlyError"),
        (["+OK", "-NOPERM this user has no permissions"], "NoPermissionError"),
        (["+OK", "-CLUSTERDOWN The cluster is down"], "ClusterDownError"),
    ],
)
def test_redis_refuses_a_token_in_few_words_and_any_other_answer_is_no_refusal(
    serve: Serve, answers: list[str], reason: str | None
) -> None:
    with pytest.raises(UnreachableError, match=reason) if reason else nullcontext():
        assert not log_in(serve(*answers), token("T" * 64))


def test_a_server_that_does_not_answer_is_waited_for_only_shortly(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(login, "SECONDS", 0.2)
    with pytest.raises(UnreachableError, match="did not answer"):
        log_in(serve(), token("T" * 64))


@pytest.mark.parametrize("host", ["127.0.0.1", "master.invalid"])
def test_a_name_that_does_not_resolve_or_a_closed_port_is_no_refusal(host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(UnreachableError, match="cannot be connected to"):
        log_in(Endpoint("primary", host, port), token("T" * 64))
