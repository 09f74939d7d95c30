import pytest

from emulator.nodes.group import Group
from rehearsal.security import logins
from rehearsal.security.target import BreachError, NotHereError
from tests.rehearsal.security.conftest import Attack, Start

TOKEN = "aB3" * 21 + "z"


@pytest.mark.parametrize("near", list(logins.near(TOKEN)), ids=range(len(list(logins.near(TOKEN)))))
def test_whatever_comes_near_to_the_token_is_another(near: str) -> None:
    assert near != TOKEN


@pytest.mark.parametrize("cut", [16, 63], ids=["its beginning", "all but one"])
def test_a_server_that_takes_a_part_of_the_token_is_a_breach(
    start: Start, aim: Attack, cut: int
) -> None:
    group = start()
    target = aim(group)
    assert target.token is not None
    _also(group, "default", f">{target.token[:cut]}")
    with pytest.raises(BreachError, match="took a wrong login"):
        logins.tokens_refused(target)


def test_a_usual_password_is_a_breach(start: Start, aim: Attack) -> None:
    group = start()
    _also(group, "default", ">foobared")
    with pytest.raises(BreachError, match="took a wrong login"):
        logins.tokens_refused(aim(group, token=None))


def test_another_user_who_needs_no_password_is_a_breach(start: Start, aim: Attack) -> None:
    group = start()
    _also(group, "admin", "on", "nopass", "+ping")
    with pytest.raises(BreachError, match="took a wrong login"):
        logins.tokens_refused(aim(group))


def test_a_breach_does_not_show_the_token(start: Start, aim: Attack) -> None:
    group = start()
    target = aim(group)
    assert target.token is not None
    _also(group, "default", f">{target.token[:-1]}")
    with pytest.raises(BreachError) as breach:
        logins.tokens_refused(target)
    assert target.token[:16] not in str(breach.value)
    assert target.token not in repr(target)


def test_refusals_that_are_not_all_counted_are_a_breach(start: Start, aim: Attack) -> None:
    # The reader's address leads to two nodes in turn: neither counts all of them.
    group = start(replicas=2)
    target = aim(group)
    with pytest.raises(BreachError, match="counted"):
        logins.counted(aim(group, addresses=target.addresses[1:2]))


def test_where_others_log_in_too_nothing_is_counted(start: Start, aim: Attack) -> None:
    with pytest.raises(NotHereError):
        logins.counted(aim(start(), ours=False))


def _also(group: Group, *rules: str) -> None:
    for node in group.shards[0].nodes:
        node.server.call("acl", "setuser", *rules)
