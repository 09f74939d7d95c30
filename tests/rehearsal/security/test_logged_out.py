import pytest

from emulator.nodes.users import User
from rehearsal.security import logins
from rehearsal.security.target import BreachError, Wire, logged_in
from tests.rehearsal.security.conftest import Attack, Start


def test_a_server_without_a_token_is_a_breach_and_keeps_its_data(start: Start, aim: Attack) -> None:
    target = aim(start(users=(User(),)))
    with Wire(target.primary, target.trust) as wire:
        wire("SET", "kept", "1")
        with pytest.raises(BreachError, match=r"ping .* without a login"):
            logins.every_command(target)
        assert wire("GET", "kept") == "1"


def test_one_open_command_is_a_breach(
    start: Start, aim: Attack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logins, "_FREE", {"auth", "quit"})
    with pytest.raises(BreachError, match="hello"):
        logins.every_command(aim(start()))


def test_a_node_that_was_left_open_is_found_behind_a_closed_primary(
    start: Start, aim: Attack
) -> None:
    closed = start(replicas=1)
    replica = closed.shards[0].replicas[0]
    replica.server.call("acl", "setuser", "default", "nopass")
    with pytest.raises(BreachError, match="without a login"):
        logins.every_command(aim(closed))


def test_the_pinned_commands_are_those_of_redis_6_2(start: Start, aim: Attack) -> None:
    group = start()
    suffix = group.shards[0].primary.server.settings.control.suffix
    target = aim(group)
    with logged_in(target, target.primary) as wire:
        there = {name.removesuffix(f"-{suffix}"): arity for name, arity, *_ in wire("COMMAND")}
    assert logins.pinned() == there


def test_without_a_token_the_pinned_commands_are_tried(start: Start, aim: Attack) -> None:
    assert "221 commands" in logins.every_command(aim(start(), token=None))
