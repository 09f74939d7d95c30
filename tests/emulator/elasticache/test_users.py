"""Users and user groups as the API shows them, and what they make of a group's real nodes."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
import redis
from botocore.exceptions import ClientError

from emulator.elasticache.state import Promises
from emulator.nodes.waiting import until
from tests.emulator.elasticache.conftest import GROUP, TOKEN, Rehearsed, Start

TWO, THREE = "a-second-token-of-the-tests", "a-third-token-of-the-tests"
NARROW = "on ~* &* +@all -@admin -@dangerous +info +client +cluster +slowlog"


def user(rehearsed: Rehearsed) -> dict[str, Any]:
    (found,) = rehearsed.client.describe_users(UserId="clients-default")["Users"]
    return dict(found)


def group(rehearsed: Rehearsed) -> dict[str, Any]:
    (found,) = rehearsed.client.describe_user_groups(UserGroupId="clients")["UserGroups"]
    return dict(found)


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
    change(rehearsed, AppendAccessString="+keys")
    settle(rehearsed)
    assert client.keys() == []


def test_the_passwords_of_a_change_are_all_that_a_user_has(rehearsed: Rehearsed) -> None:
    rehearsed.with_users(NumCacheClusters=2, AutomaticFailoverEnabled=True)
    answer = change(rehearsed, TOKEN, TWO)
    assert (answer["Status"], answer["Authentication"]["PasswordCount"]) == ("modifying", 2)
    settle(rehearsed)
    assert taken(rehearsed, TOKEN, TWO, THREE) == [True, True, False]
    for _ in range(2):  # sent again it changes nothing
        change(rehearsed, THREE, AuthenticationMode={})
        settle(rehearsed)
        assert taken(rehearsed, TOKEN, TWO, THREE) == [False, False, True]
    rehearsed.client.increase_replica_count(
        ReplicationGroupId="redis", NewReplicaCount=2, ApplyImmediately=True
    )
    rehearsed.wait()
    host = rehearsed.describe()["NodeGroups"][0]["NodeGroupMembers"][2]["ReadEndpoint"]["Address"]
    assert rehearsed.connect_to(host, THREE).ping()
    change(rehearsed, NoPasswordRequired=True)
    settle(rehearsed)
    assert user(rehearsed)["Authentication"] == {"Type": "no-password"}
    assert rehearsed.connect(token=None).ping()


def test_a_user_joins_and_leaves_and_its_connections_end(rehearsed: Rehearsed) -> None:
    rehearsed.with_users()
    client = rehearsed.connect().client()  # type: ignore[no-untyped-call]
    client.ping()
    swap = {"UserIdsToAdd": ["default"], "UserIdsToRemove": ["clients-default"]}
    answer = rehearsed.client.modify_user_group(UserGroupId="clients", **swap)
    assert answer["UserIds"] == ["clients-default"]
    assert answer["PendingChanges"] == swap
    until(lambda: group(rehearsed)["Status"] == "active", 10, "active")
    assert group(rehearsed)["UserIds"] == ["default"]
    assert "PendingChanges" not in group(rehearsed)
    with pytest.raises(redis.ConnectionError):
        client.ping()
    assert rehearsed.connect(token=None).ping()


def test_another_user_group_takes_the_place_of_the_first(rehearsed: Rehearsed) -> None:
    rehearsed.with_users()
    rehearsed.client.create_user_group(UserGroupId="open", Engine="redis", UserIds=["default"])
    answer = rehearsed.client.modify_replication_group(
        ReplicationGroupId="redis", UserGroupIdsToAdd=["open"], UserGroupIdsToRemove=["clients"]
    )["ReplicationGroup"]
    assert answer["UserGroupIds"] == ["clients"]
    assert answer["PendingModifiedValues"]["UserGroups"] == {
        "UserGroupIdsToAdd": ["open"],
        "UserGroupIdsToRemove": ["clients"],
    }
    found = rehearsed.wait()
    assert (found["UserGroupIds"], found["PendingModifiedValues"]) == (["open"], {})
    assert rehearsed.connect(token=None).ping()


def test_what_is_no_longer_used_is_deleted_in_its_order(rehearsed: Rehearsed) -> None:
    rehearsed.with_users()
    client = rehearsed.client
    client.create_user(
        UserId="reader",
        UserName="reader",
        Engine="REDIS",
        AccessString="on ~* +get",
        Passwords=[TWO],
    )
    client.modify_user_group(UserGroupId="clients", UserIdsToAdd=["reader"])
    settle(rehearsed)
    assert client.delete_user(UserId="reader")["Status"] == "deleting"
    settle(rehearsed)
    assert group(rehearsed)["UserIds"] == ["clients-default"]
    rehearsed.delete()
    assert client.delete_user_group(UserGroupId="clients")["Status"] == "deleting"
    until(lambda: not client.describe_user_groups()["UserGroups"], 10, "deleted")
    client.delete_user(UserId="clients-default")
    until(lambda: len(client.describe_users()["Users"]) == 1, 10, "deleted")
    with pytest.raises(ClientError, match="UserNotFound"):
        user(rehearsed)
    told = client.describe_events(SourceType="user", SourceIdentifier="clients-default")["Events"]
    assert [event["Message"].split()[-1] for event in told] == ["deleted", "created"]
    assert client.describe_events(SourceType="user-group")["Events"]


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
    assert {sum(one) for one in seen} >= {1, 2}
    assert all(
        before <= after
        for one, other in pairwise(seen)
        for before, after in zip(one, other, strict=True)
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
    assert any(not all(one) for one in seen)


def test_a_change_of_the_group_can_make_its_users_busy(start: Start) -> None:
    promises = Promises(users_follow=True)
    rehearsed = start(speed=600.0, promises=promises)
    rehearsed.with_users()
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


def test_a_change_while_a_group_is_created_is_what_its_nodes_have(start: Start) -> None:
    rehearsed = start()
    rehearsed.with_users()
    rehearsed.client.create_replication_group(
        **{name: value for name, value in GROUP.items() if name != "AuthToken"}
        | {"ReplicationGroupId": "another", "UserGroupIds": ["clients"]}
    )
    change(rehearsed, TWO)
    rehearsed.wait("another")
    settle(rehearsed)
    until(lambda: rehearsed.logs_in(TWO, "another"), 10, "the new password")
    assert not rehearsed.logs_in(TOKEN, "another")


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


def test_a_token_gives_way_to_users_by_one_call_and_old_logins_go_on(rehearsed: Rehearsed) -> None:
    rehearsed.with_users()
    rehearsed.create(ReplicationGroupId="owned")

    def modify(**change: Any) -> None:
        rehearsed.client.modify_replication_group(
            ReplicationGroupId="owned", ApplyImmediately=True, **change
        )

    for refused in ({"UserGroupIdsToAdd": ["clients"]}, {"AuthTokenUpdateStrategy": "DELETE"}):
        with pytest.raises(ClientError, match="InvalidParameterCombination"):
            modify(**refused)
    modify(UserGroupIdsToAdd=["clients"], AuthTokenUpdateStrategy="DELETE")
    rehearsed.wait("owned")
    shown = rehearsed.describe("owned")
    assert shown["UserGroupIds"] == ["clients"]
    assert shown["AuthTokenEnabled"] is False
    assert rehearsed.logs_in(TOKEN, "owned")
