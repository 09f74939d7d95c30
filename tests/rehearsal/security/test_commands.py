import secrets

import pytest

from emulator.nodes import config
from emulator.nodes.users import User
from rehearsal.security import logins
from rehearsal.security.target import BreachError, NotHereError
from tests.rehearsal.security.conftest import Attack, Start


@pytest.mark.parametrize("name", config.RENAMED)
def test_a_command_that_was_left_open_is_a_breach_and_does_not_run(
    start: Start, aim: Attack, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(config, "RENAMED", tuple(one for one in config.RENAMED if one != name))
    group = start(users=(User.only(secrets.token_hex(32)),))  # its rights would refuse it too
    with pytest.raises(BreachError, match=name.upper()):
        logins.restricted(aim(group))
    server = group.shards[0].primary.server
    assert server.alive
    assert server.info("replication")["role"] == "master"


OURS = ["+flushall", "+flushdb", "+keys", "+monitor", "+role", "+sort", "+swapdb"]
AWS = ["+sync", "+psync", "+acl|log", "+acl|setuser", "+cluster|reset"]


@pytest.mark.plan("2.3", "6.2")
@pytest.mark.parametrize("rule", [*OURS, *AWS])
def test_a_rule_that_lets_too_much_is_a_breach(start: Start, aim: Attack, rule: str) -> None:
    group = start()
    group.shards[0].primary.server.call("acl", "setuser", "default", rule)
    with pytest.raises(BreachError, match=rule[1:].replace("|", " ").upper()):
        logins.restricted(aim(group))


def test_it_takes_the_token(start: Start, aim: Attack) -> None:
    with pytest.raises(NotHereError, match="no token"):
        logins.restricted(aim(start(), token=None))
