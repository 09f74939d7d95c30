"""What only Redis can say, on real servers with TLS and on a group that lost a replica."""

import dataclasses
import json
import secrets
from datetime import UTC, datetime

import pytest

from emulator.fixtures import Nodes, nodes
from emulator.nodes.server import connect
from health.probe import KEY, KEY_SECONDS, QUESTIONS, answers, check_logins, check_service
from shared.auth_token import AuthToken
from shared.group import Endpoint
from shared.line import Line
from shared.login import talk
from tests.lambda_health.world import SETTINGS

pytestmark = pytest.mark.plan("2.4")

__all__ = ["nodes"]

Endpoints = tuple[Endpoint, ...]


@pytest.fixture
def endpoints(nodes: Nodes, monkeypatch: pytest.MonkeyPatch) -> Endpoints:
    monkeypatch.setenv("SSL_CERT_FILE", str(nodes.ca_file))
    found, port = nodes.group.endpoints, nodes.group.spec.port
    return Endpoint("primary", found.primary, port), Endpoint("reader", found.reader, port)


@pytest.fixture
def token(nodes: Nodes) -> AuthToken:
    return AuthToken(nodes.token, datetime.now(UTC))


def named(lines: list[Line]) -> dict[str, Line]:
    return {line.name: line for line in lines}


def test_a_group_that_serves_passes_and_keeps_one_key_for_a_minute(
    nodes: Nodes, endpoints: Endpoints, token: AuthToken
) -> None:
    settings = dataclasses.replace(SETTINGS, replicas=nodes.group.spec.replicas)
    lines = [*check_logins(endpoints, token), *check_service(endpoints, token, settings)]
    assert all(line.passed for line in lines), lines
    assert len(lines) == 4
    left = talk(endpoints[0], token, lambda redis: redis.ttl(KEY))
    assert 0 < left <= KEY_SECONDS


def test_a_wrong_token_fails_in_every_line_and_is_in_none(endpoints: Endpoints) -> None:
    wrong = AuthToken(secrets.token_hex(32), datetime.now(UTC))
    lines = [*check_logins(endpoints, wrong), *check_service(endpoints, wrong, SETTINGS)]
    assert len(lines) == 4
    assert not any(line.passed for line in lines)
    assert wrong.text not in f"{lines}"


def test_a_primary_that_is_a_replica_fails_even_if_no_replica_is_wanted(
    endpoints: Endpoints, token: AuthToken
) -> None:
    reader = endpoints[1]
    mistaken = (dataclasses.replace(reader, name="primary"), reader)
    settings = dataclasses.replace(SETTINGS, replicas=0)
    found = named(list(check_service(mistaken, token, settings)))["replication"]
    assert not found.passed
    assert found.found.startswith("slave, ")


def test_a_replica_too_few_fails(nodes: Nodes, endpoints: Endpoints, token: AuthToken) -> None:
    more = dataclasses.replace(SETTINGS, replicas=nodes.group.spec.replicas + 1)
    lines = named(list(check_service(endpoints, token, more)))
    assert not lines["write and read"].passed
    assert not lines["replication"].passed


@pytest.mark.parametrize(
    ("lags", "passed"), [((10, 10), True), ((11, 0), False), ((0, 11), False), ((0, 0), True)]
)
def test_a_replica_that_acknowledged_nothing_for_over_ten_seconds_fails(
    lags: tuple[int, int],
    passed: bool,
    endpoints: Endpoints,
    token: AuthToken,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    replicas = {f"slave{n}": {"state": "online", "lag": lag} for n, lag in enumerate(lags)}
    info = {"role": "master", "connected_slaves": 2, **replicas}
    monkeypatch.setattr("health.probe.talk", lambda *_: info)
    line = named(list(check_service(endpoints[:1], token, SETTINGS)))["replication"]
    assert line.passed is passed
    assert f"{max(lags)} s since the last acknowledgement" in line.found


def test_a_reader_that_nobody_is_at_fails_and_the_primary_passes(
    endpoints: Endpoints, token: AuthToken
) -> None:
    nobody = dataclasses.replace(endpoints[1], port=1)
    lines = named(list(check_logins((endpoints[0], nobody), token)))
    assert lines["login: primary"].passed
    assert not lines["login: reader"].passed
    assert "cannot be connected to" in lines["login: reader"].found


@pytest.mark.parametrize(("missing", "asked"), [("primary", []), ("reader", ["replication"])])
def test_an_address_that_aws_does_not_give_is_a_failed_line_and_the_rest_is_asked(
    missing: str, asked: list[str], nodes: Nodes, endpoints: Endpoints, token: AuthToken
) -> None:
    settings = dataclasses.replace(SETTINGS, replicas=nodes.group.spec.replicas)
    there = tuple(endpoint for endpoint in endpoints if endpoint.name != missing)
    first, *others = check_service(there, token, settings)
    assert (first.name, first.passed) == (f"address: {missing}", False)
    assert first.found == "not given by AWS"
    assert [line.name for line in others if line.passed] == asked


def test_in_cluster_mode_logins_are_all(endpoints: Endpoints, token: AuthToken) -> None:
    settings = dataclasses.replace(SETTINGS, cluster_mode=True)
    assert list(check_service(endpoints, token, settings)) == []


@pytest.mark.parametrize("question", QUESTIONS)
def test_an_answer_has_figures_and_neither_key_nor_argument_nor_name(
    question: str, nodes: Nodes, endpoints: Endpoints, token: AuthToken
) -> None:
    primary = endpoints[0]
    with connect(
        primary.host, primary.port, ca_file=str(nodes.ca_file), password=token.text
    ) as redis:
        redis.set("user:ann", "1", ex=60)
        redis.set("forever", "1")
        redis.client_setname("anns-laptop")
        gone = Endpoint("g-002", "127.0.0.1", 1)
        answer, silent = answers(question, (primary, gone), token)
        redis.delete("forever")
    assert (answer["name"], answer["role"]) == (primary.name, "primary")
    assert silent["figures"] == {}
    assert silent["problem"].startswith("the g-002 endpoint 127.0.0.1 ")
    figures = answer["figures"]
    if question == "memory":
        assert figures["keys"] >= 2
        assert figures["keys without an expiry"] >= 1
        assert 0 < figures["used_memory_dataset"] < figures["used_memory"] <= figures["maxmemory"]
    else:
        assert figures.pop("addresses") == len(figures)
        assert sum(figures.values()) >= 2
        assert all(name.replace(".", "").isdecimal() for name in figures)
    text = json.dumps(answer)
    assert not any(word in text for word in ("ann", "forever", token.text))
