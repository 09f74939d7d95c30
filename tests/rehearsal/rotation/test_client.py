"""Clients of the scenario on real nodes: what they cache, what a refusal does, what they count."""

import time
from collections.abc import Callable
from dataclasses import asdict

import pytest
from redis.exceptions import AuthenticationError

from emulator.fixtures import Nodes, nodes
from rehearsal.common.errors import RehearsalError
from rehearsal.rotation.load import Client, Figures, Habits, TokenOfSecret
from rehearsal.rotation.steps import counted, table

__all__ = ["nodes"]

WRONG = "0" * 64


def values(*texts: str) -> Callable[[], str]:
    """A secret whose value is another one at each reading."""
    return iter(texts).__next__


def client(nodes: Nodes, token: TokenOfSecret, *, careful: bool) -> Client:
    ends, port = nodes.group.endpoints, nodes.group.spec.port
    habits = Habits(connection_lifetime=0.0, careful=careful)
    return Client((ends.primary, ends.reader), port, str(nodes.ca_file), token, habits)


@pytest.mark.parametrize(("careful", "logins"), [(True, 2), (False, 1)])
def test_a_careful_client_reads_the_secret_anew_once_and_the_others_never(
    nodes: Nodes, careful: bool, logins: int
) -> None:
    token = TokenOfSecret(values(WRONG, WRONG, WRONG), 60)
    refused = client(nodes, token, careful=careful)
    with pytest.raises(AuthenticationError):
        refused.call(1, "PING")
    assert (token.logins, refused.refused) == (logins, 1)
    refused.close()


def test_a_careful_client_goes_on_with_the_token_that_the_secret_has_now(nodes: Nodes) -> None:
    careful = client(nodes, TokenOfSecret(values(WRONG, nodes.token), 60), careful=True)
    assert careful.call(0, "PING") is True
    careful.close()


def test_a_connection_that_has_had_its_time_is_closed_and_the_next_one_logs_in(
    nodes: Nodes,
) -> None:
    token = TokenOfSecret(values(nodes.token), 60)
    one = client(nodes, token, careful=False)
    for logins in (1, 1):
        one.call(0, "PING")
        assert token.logins == logins
    one.reconnect_when_due()
    one.call(0, "PING")
    assert token.logins == 2
    one.close()


@pytest.mark.parametrize(("cache", "second"), [(0.0, "second"), (60, "first")])
def test_the_secret_is_read_again_after_the_cache_time(cache: float, second: str) -> None:
    token = TokenOfSecret(values("first", "second"), cache)
    assert [token.get_credentials(), token.get_credentials()] == [("first",), (second,)]


def test_what_is_printed_is_what_all_clients_have_counted() -> None:
    one = Figures(commands=10, longest=0.2, logins=3)
    other = Figures(logins=4, refused=2)
    for failure in (None, "first", "second"):
        other.count(time.monotonic() - 1, failure)
    every = Figures.of_all([asdict(one), asdict(other)])
    assert (every.commands, every.failed, every.first_failure) == (13, 2, "first")
    assert (every.logins, every.refused) == (7, 2)
    lines = table(20, Figures(**asdict(every) | {"longest": 0.25}), [1.0, 2.0, 6.0]).splitlines()
    rows = {line[:46].strip(): line[46:].strip() for line in lines}
    assert rows["rotations"] == "3"
    assert (rows["commands sent"], rows["commands failed"]) == ("13", "2")
    assert rows["longest time a command waited"] == "250 ms"
    assert rows["RotateSecret to AWSCURRENT moved, median"] == "2.0 s"
    assert rows["RotateSecret to AWSCURRENT moved, longest"] == "6.0 s"


def test_the_interruption_points_are_read_from_what_the_tests_print() -> None:
    printed = "=== rotation of the AUTH token ===\n    1044 interruption points (every call)\n"
    assert counted(printed) == "1044 interruption points (every call)"
    with pytest.raises(RehearsalError, match="does not print how many"):
        counted("22 passed\n")
