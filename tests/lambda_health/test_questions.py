"""The fixed questions on real servers: figures and addresses, and nothing that names a user."""

import json
from datetime import UTC, datetime

import pytest

from emulator.fixtures import Nodes, nodes
from emulator.nodes.server import connect
from health.questions import QUESTIONS, answers
from shared.auth_token import AuthToken
from shared.group import Endpoint

__all__ = ["nodes"]


@pytest.mark.plan("2.4")
@pytest.mark.parametrize("question", QUESTIONS)
def test_the_answer_has_figures_and_neither_key_nor_argument_nor_name(
    question: str, nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(nodes.ca_file))
    host, port = nodes.group.endpoints.primary, nodes.group.spec.port
    token = AuthToken(nodes.token, datetime.now(UTC))
    with connect(host, port, ca_file=str(nodes.ca_file), password=nodes.token) as redis:
        redis.set("user:ann", "1", ex=60)
        redis.set("forever", "1")
        redis.client_setname("anns-laptop")
        there, gone = Endpoint("g-001", host, port), Endpoint("g-002", "127.0.0.1", 1)
        answer, silent = answers(question, (there, gone), token)
        redis.delete("forever")
    assert (answer["name"], answer["role"]) == ("g-001", "primary")
    assert silent["figures"] == {}
    assert silent["problem"].startswith("the g-002 endpoint 127.0.0.1 ")
    figures = answer["figures"]
    if question == "memory":
        assert figures["keys"] >= 2
        assert figures["keys without an expiry"] >= 1
        assert 0 < figures["used_memory_dataset"] < figures["used_memory"] <= figures["maxmemory"]
    else:
        addresses = figures.pop("addresses")
        assert addresses == len(figures)
        assert sum(figures.values()) >= 2
        assert all(name.replace(".", "").isdecimal() for name in figures)
    text = json.dumps(answer)
    assert not any(word in text for word in ("ann", "forever", nodes.token))
