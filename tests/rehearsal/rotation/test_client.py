"""A client of the proof on real nodes: what it caches, and what a refused login makes it do."""

import ssl
from collections.abc import Callable, Iterator

import pytest
from redis.exceptions import AuthenticationError
from redis.exceptions import ConnectionError as NoConnectionError

from emulator.fixtures import Nodes, nodes
from rehearsal.rotation.load import Client, Habits, TokenOfSecret

__all__ = ["nodes"]

WRONG = "0" * 64


@pytest.fixture
def client(nodes: Nodes) -> Iterator[Callable[..., Client]]:
    made: list[Client] = []

    def make(token: TokenOfSecret, *, careful: bool) -> Client:
        trust = ssl.create_default_context(cafile=str(nodes.ca_file))
        endpoints = nodes.group.endpoints
        habits = Habits(connection_lifetime=0.0, careful=careful)
        addresses = (endpoints.primary, endpoints.reader)
        made.append(Client(addresses, nodes.group.spec.port, trust, token, habits))
        return made[-1]

    yield make
    for one in made:
        one.close()


def values(*texts: str) -> Callable[[], str]:
    """A secret whose value is another one at each reading."""
    return iter(texts).__next__


def test_a_careful_client_reads_the_secret_anew_when_its_login_is_refused(
    nodes: Nodes, client: Callable[..., Client]
) -> None:
    careful = client(TokenOfSecret(values(WRONG, nodes.token), 60), careful=True)
    assert careful.call(0, "PING") is True
    assert careful.refused == 1


def test_a_careful_client_tries_once_more_and_not_again(client: Callable[..., Client]) -> None:
    token = TokenOfSecret(values(WRONG, WRONG, WRONG), 60)
    with pytest.raises(AuthenticationError):
        client(token, careful=True).call(0, "PING")
    assert token.logins == 2


def test_a_client_that_lives_by_its_cache_alone_tries_once(client: Callable[..., Client]) -> None:
    token = TokenOfSecret(values(WRONG, WRONG), 60)
    with pytest.raises(AuthenticationError):
        client(token, careful=False).call(1, "PING")
    assert token.logins == 1


def test_a_connection_that_has_had_its_time_is_closed_and_the_next_one_logs_in(
    nodes: Nodes, client: Callable[..., Client]
) -> None:
    token = TokenOfSecret(values(nodes.token), 60)
    one = client(token, careful=False)
    one.call(0, "PING")
    one.call(0, "PING")
    assert token.logins == 1
    one.reconnect_when_due()
    one.call(0, "PING")
    assert token.logins == 2


def test_the_secret_is_read_again_after_the_cache_time() -> None:
    token = TokenOfSecret(values("first", "second"), 0.0)
    assert [token.get_credentials(), token.get_credentials()] == [("first",), ("second",)]
    token = TokenOfSecret(values("first", "second"), 60)
    assert [token.get_credentials(), token.get_credentials()] == [("first",), ("first",)]


def test_a_certificate_of_another_authority_is_not_trusted(nodes: Nodes) -> None:
    token = TokenOfSecret(values(nodes.token), 60)
    habits = Habits(connection_lifetime=60, careful=True)
    address = nodes.group.endpoints.primary
    stranger = Client(
        (address,), nodes.group.spec.port, ssl.create_default_context(), token, habits
    )
    with pytest.raises(NoConnectionError, match="certificate verify failed"):
        stranger.call(0, "PING")
