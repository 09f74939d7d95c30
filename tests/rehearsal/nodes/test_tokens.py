import pytest
import redis

from rehearsal.nodes.tokens import TokenRefusedError, Tokens
from tests.rehearsal.nodes.conftest import Connect, Start

ONE, TWO, THREE = (f"token-number-{number}-of-three" for number in (1, 2, 3))


def test_rotate_keeps_the_previous_token() -> None:
    assert Tokens.only(ONE).rotate(TWO).accepted == (ONE, TWO)


def test_a_third_token_evicts_the_oldest() -> None:
    assert Tokens.only(ONE).rotate(TWO).rotate(THREE).accepted == (TWO, THREE)


def test_rotating_the_last_token_again_still_evicts_the_older_one() -> None:
    assert Tokens.only(ONE).rotate(TWO).rotate(TWO).accepted == (TWO,)


def test_set_leaves_the_token_that_was_rotated_last() -> None:
    assert Tokens.only(ONE).rotate(TWO).set(TWO).accepted == (TWO,)


def test_set_refuses_any_other_token() -> None:
    for wrong in (ONE, THREE):
        with pytest.raises(TokenRefusedError):
            Tokens.only(ONE).rotate(TWO).set(wrong)


def test_rotate_on_a_group_without_a_token_leaves_it_open() -> None:
    assert Tokens.only(None).rotate(ONE).open
    assert not Tokens.only(None).rotate(ONE).set(ONE).open


def test_a_token_never_shows_in_a_representation() -> None:
    assert ONE not in repr(Tokens.only(ONE))


def test_all_nodes_take_exactly_the_accepted_tokens(start: Start, connect: Connect) -> None:
    group = start(tokens=Tokens.only(ONE))

    def takes(token: str | None) -> set[bool]:
        return {_logs_in(connect(member.address, token)) for member in group.members}

    group.set_tokens(group.spec.tokens.rotate(TWO))
    assert (takes(ONE), takes(TWO), takes(THREE), takes(None)) == ({True}, {True}, {False}, {False})
    group.set_tokens(group.spec.tokens.rotate(THREE))
    assert (takes(ONE), takes(TWO), takes(THREE)) == ({False}, {True}, {True})
    group.set_tokens(group.spec.tokens.set(THREE))
    assert (takes(ONE), takes(TWO), takes(THREE)) == ({False}, {False}, {True})


def test_an_open_group_stays_open_after_rotate_and_closes_with_set(
    start: Start, connect: Connect
) -> None:
    group = start(tokens=Tokens(), replicas=0)
    assert _logs_in(connect(group.endpoints.primary, None))
    group.set_tokens(group.spec.tokens.rotate(ONE))
    assert _logs_in(connect(group.endpoints.primary, None))
    assert _logs_in(connect(group.endpoints.primary, ONE))
    group.set_tokens(group.spec.tokens.set(ONE))
    assert not _logs_in(connect(group.endpoints.primary, None))


def test_a_rotation_disconnects_nobody(start: Start, connect: Connect) -> None:
    group = start(tokens=Tokens.only(ONE), replicas=1)
    client = connect(group.endpoints.primary, ONE)
    client.ping()
    group.set_tokens(Tokens.only(TWO))
    assert client.ping()


def test_a_node_that_was_replaced_accepts_the_present_tokens(
    start: Start, connect: Connect
) -> None:
    group = start(tokens=Tokens.only(ONE), replicas=0)
    group.set_tokens(group.spec.tokens.rotate(TWO))
    name = group.add_replica("0001")
    for token in (ONE, TWO):
        assert _logs_in(connect(group.node(name).at[0], token))


def _logs_in(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.AuthenticationError:
        return False
