"""Users and user groups as the API shows them, and what they make of a group's real nodes."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
import redis
from botocore.exceptions import ClientError

from emulator.elasticache.state import Promises
from emulator.nodes.waiting import until
from tests.emulator.elasticache.conftest import TOKEN, Rehearsed, Start

TWO, THREE = "a-second-token-of-the-tests", "a-third-token-of-the-tests"
NARROW = "on ~* &* +@all -@admin -@dangerous +info +client +cluster +slowlog"


def user(rehearsed: Rehearsed) -> dict[str, Any]:
    (shown,) = rehearsed.client.describe_users(UserId="clients-default")["Users"]
    return dict(shown)


def group(rehearsed: Rehearsed) -> dict[str, Any]:
    (shown,) = rehearsed.client.describe_user_groups(UserGroupId="clients")["UserGroups"]
    return dict(shown)


def statuses(rehearsed: Rehearsed) -> tuple[str, str, str]:
    """Of the user, its user group and its replication group."""
    return user(rehearsed)["Status"], group(rehearsed)["Status"], rehearsed.describe()["Status"]


def change(rehearsed: Rehearsed, *passwords: str, **fields: Any) -> dict[str, Any]:
    given = {"Passwords": list(passwords)} if passwords else {}
    answer = rehearsed.client.modify_user(UserId="clients-default", **given, **fields)
    return dict(answer)


def settle(rehearsed: Rehearsed) -> None:
    def at_rest() -> bool:
        return statuses(rehearsed) == ("active", "active", "available")

    until(at_rest, 10, "everything is at rest")


def taken(rehearsed: Rehearsed, *tokens: str) -> list[bool]:
    return [rehearsed.logs_in(token) for token in tokens]


def test_users_and_groups_show_what_awss_samples_show(rehearsed: Rehearsed) -> None:
    shown = rehearsed.with_users("~objects:* ~items:*")
    assert shown["UserGroupIds"] == ["clients"]
    assert shown["AuthTokenEnabled"] is False
    arn = "arn:aws:elasticache:us-east-1:111122223333"
    assert user(rehearsed) == {
        "UserId": "clients-default",
        "UserName": "default",
        "Status": "active",
        "Engine": "redis",
        "AccessString": "off ~objects:* ~items:* resetchannels -@all",
        "UserGroupIds": ["clients"],
        "Authentication": {"Type": "password", "PasswordCount": 1},
        "ARN": f"{arn}:user:clients-default",
    }
    assert group(rehearsed) == {
        "UserGroupId": "clients",
        "Status": "active",
        "Engine": "redis",
        "UserIds": ["clients-default"],
        "ReplicationGroups": ["redis"],
        "ARN": f"{arn}:usergroup:clients",
    }
    (default,) = rehearsed.client.describe_users(UserId="default")["Users"]
    assert (default["AccessString"], default["Authentication"]) == (
        "on ~* &* +@all",
        {"Type": "no-password"},
    )


def test_an_access_string_is_shown_as_redis_says_it_and_means_what_it_meant(start: Start) -> None:
    promises = Promises()
    rehearsed = start(promises=promises)
    rehearsed.with_users(NARROW)
    for engine, words in (
        ("redis-6.2", "-flushall -keys +client"),
        ("redis-7.0", "-flushall -keys +client|kill +client|list"),
        ("valkey-8.0", "-@dangerous +client"),
    ):
        promises.described_by = engine
        shown = user(rehearsed)["AccessString"].split()
        assert {"~*", "&*", "+@all", "-@admin", *words.split()} <= {*shown}
    client = rehearsed.connect()
    client.client_list()
    for refused in ("FLUSHALL", "KEYS *"):
        with pytest.raises(redis.exceptions.NoPermissionError):
            client.execute_command(*refused.split())  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("group_follows", [True, False])
def test_a_change_lasts_as_long_as_is_promised_and_the_nodes_follow_one_by_one(
    group_follows: bool, start: Start
) -> None:
    promises = Promises(group_follows=group_follows)
    rehearsed = start(promises=promises)
    rehearsed.with_users(NumCacheClusters=3, AutomaticFailoverEnabled=True)
    promises.seconds = 0.9
    change(rehearsed, TWO)
    busy = ("modifying", "modifying", "modifying" if group_follows else "available")
    assert statuses(rehearsed) == busy
    seen = follow(rehearsed, lambda: user(rehearsed)["Status"] == "active")
    assert {sum(nodes) for nodes in seen} & {1, 2}, "some nodes and not all"
    assert all(
        before <= after
        for nodes, other in pairwise(seen)
        for before, after in zip(nodes, other, strict=True)
    )
    settle(rehearsed)
    assert user(rehearsed)["Status"] == "active"


def test_a_user_can_be_active_before_any_node_has_its_change(start: Start) -> None:
    promises = Promises(active_early=True)
    rehearsed = start(promises=promises)
    rehearsed.with_users(NumCacheClusters=3, AutomaticFailoverEnabled=True)
    promises.seconds = 0.9
    change(rehearsed, TWO)
    settle(rehearsed)
    seen = follow(rehearsed, lambda: all(on_nodes(rehearsed, TWO)))
    assert any(not all(nodes) for nodes in seen)


def test_a_change_of_the_group_can_make_its_users_busy(start: Start) -> None:
    promises = Promises(users_follow=True)
    rehearsed = start(promises=promises)
    rehearsed.with_users()
    promises.seconds = 4.0
    rehearsed.client.modify_replication_group(
        ReplicationGroupId="redis", ReplicationGroupDescription="new", ApplyImmediately=True
    )
    with pytest.raises(ClientError, match="InvalidUserState"):
        change(rehearsed, TWO)
    settle(rehearsed)
    promises.users_follow = False
    rehearsed.client.modify_replication_group(
        ReplicationGroupId="redis", ReplicationGroupDescription="newer", ApplyImmediately=True
    )
    change(rehearsed, TWO)
    settle(rehearsed)
    assert taken(rehearsed, TOKEN, TWO) == [False, True]


def test_no_password_is_in_any_answer(rehearsed: Rehearsed) -> None:
    rehearsed.with_users()
    rehearsed.create(ReplicationGroupId="with-a-token")
    shown = [
        rehearsed.client.describe_users(),
        rehearsed.client.describe_user_groups(),
        rehearsed.client.describe_replication_groups(),
        rehearsed.client.describe_cache_clusters(ShowCacheNodeInfo=True),
        rehearsed.client.describe_events(),
    ]
    assert TOKEN not in str(shown)


def on_nodes(rehearsed: Rehearsed, token: str) -> list[bool]:
    members = rehearsed.describe()["NodeGroups"][0]["NodeGroupMembers"]
    return [rehearsed.takes(each["ReadEndpoint"]["Address"], token) for each in members]


def follow(rehearsed: Rehearsed, over: Callable[[], bool]) -> list[list[bool]]:
    """Which nodes take the second token, look after look, until it is over."""
    seen: list[list[bool]] = []

    def look() -> bool:
        done = over()
        seen.append(on_nodes(rehearsed, TWO))
        return done

    until(look, 10, "the change is over")
    return seen
