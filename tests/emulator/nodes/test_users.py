import os
import signal

import pytest
import redis

from emulator import engines
from emulator.nodes.group import Group
from emulator.nodes.server import connect as to_node
from emulator.nodes.users import User
from emulator.nodes.waiting import until
from tests.emulator.nodes.conftest import Connect, Start

ONE, TWO, THREE = (f"token-number-{number}-of-three" for number in (1, 2, 3))
NARROW = "on ~* &* +@all -@admin -@dangerous +info +client +cluster +slowlog"


def logs_in(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.AuthenticationError:
        return False


def taken(group: Group, connect: Connect, *tokens: str | None) -> list[set[bool]]:
    """For each token, what the nodes make of it: one answer if they agree."""
    return [
        {logs_in(connect(member.address, token)) for member in group.members} for token in tokens
    ]


def test_a_password_is_in_no_representation_and_no_rule() -> None:
    user = User((ONE, TWO))
    assert ONE not in repr(user)
    assert ONE not in " ".join(user.rules())


@pytest.mark.parametrize("engine", engines.PROGRAMS, ids="-".join)
def test_rights_hold_on_every_engine_and_what_elasticache_restricts_stays_restricted(
    engine: tuple[str, str], start: Start, connect: Connect
) -> None:
    group = start(engine=engines.obtain(*engine), users=(User((ONE,), NARROW),), replicas=0)
    client = connect(group.endpoints.primary, ONE)
    for allowed in ("SET key value", "INFO", "CLIENT LIST", "SLOWLOG GET", "EVAL return{1} 0"):
        client.execute_command(*allowed.split())  # type: ignore[no-untyped-call]
    with pytest.raises(redis.ResponseError, match="cluster support disabled"):
        client.execute_command("CLUSTER INFO")  # type: ignore[no-untyped-call]
    for refused in ("FLUSHALL", "KEYS *", "SORT key", "CLUSTER RESET", "ACL LIST", "PSYNC ? -1"):
        with pytest.raises(redis.exceptions.NoPermissionError):
            client.execute_command(*refused.split())  # type: ignore[no-untyped-call]


def test_a_user_that_is_off_is_refused_and_others_come_and_go(
    start: Start, connect: Connect
) -> None:
    def as_reader() -> redis.Redis:
        host = group.endpoints.primary
        ca, login = str(group_authority), {"username": "reader", "password": TWO}
        return to_node(host, 6379, ca_file=ca, **login).client()  # type: ignore[no-any-return, no-untyped-call]

    group = start(users=(User((ONE,), "off ~* +@all"), User((TWO,), "on ~* +get", "reader")))
    group_authority = group.shards[0].primary.server.settings.authority
    assert taken(group, connect, ONE) == [{False}]
    reader = as_reader()
    assert reader.get("key") is None
    group.set_users(lambda: (User((ONE,)), User((TWO,), "on ~* +set", "reader")))
    with pytest.raises(redis.exceptions.NoPermissionError):
        reader.get("key")
    group.set_users(lambda: (User((ONE,)),))
    with pytest.raises(redis.ConnectionError):
        reader.get("key")
    with pytest.raises(redis.AuthenticationError):
        as_reader()


def test_nodes_follow_one_by_one_and_one_that_is_replaced_meanwhile_has_the_new_users(
    start: Start, connect: Connect
) -> None:
    group = start(users=(User.only(ONE),), replicas=2)
    _, middle, last = group.shards[0].nodes
    seen: list[list[bool]] = []

    def pause() -> None:
        seen.append([logs_in(connect(node.at[0], TWO)) for node in group.shards[0].nodes])
        if len(seen) == 1:
            ended = last.server
            os.kill(ended.pid, signal.SIGKILL)
            until(lambda: last.alive and last.server is not ended, 10, "a new server")
            assert logs_in(connect(last.at[0], TWO))
            assert not logs_in(connect(middle.at[0], TWO))

    group.set_users(lambda: (User((TWO,)),), pause=pause)
    assert seen == [[True, False, False], [True, True, True], [True, True, True]]


def test_new_nodes_have_the_present_users_whatever_makes_them(
    start: Start, connect: Connect
) -> None:
    group = start(
        users=(User.only(ONE),), cluster=True, shards=1, replicas=0, parameters={"timeout": "0"}
    )
    group.accept(ONE, TWO)
    group.add_replica("0001")
    group.add_shards(2)
    group.upgrade(engines.obtain("redis", "7.0"), {})
    assert taken(group, connect, ONE, TWO, THREE) == [{True}, {True}, {False}]
