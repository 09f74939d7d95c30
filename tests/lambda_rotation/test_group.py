"""The group, its nodes and its user, as AWS describes them."""

from datetime import UTC, datetime
from typing import Any

import pytest

from shared.auth_token import AuthToken
from shared.errors import AwsRefusedError, NotYetError
from shared.group import Endpoint, Group
from shared.user import User, UserState
from tests.lambda_rotation.model.fake_aws import ServiceError, fake_service

HOST = "vibewell-redis.abc.use1.cache.amazonaws.com"


def answering(answer: dict[str, Any] | str) -> tuple[Any, dict[str, Any]]:
    """A client of ElastiCache that answers every operation so, and what it was asked."""
    service, kept = fake_service("elasticache"), dict[str, Any]()

    def call(_operation: str, asked: dict[str, Any]) -> dict[str, Any]:
        kept.update(asked)
        if isinstance(answer, str):
            raise ServiceError(answer)
        return answer

    service.answer = call
    return service.client, kept


def address(name: str) -> dict[str, Any]:
    return {"Address": f"{name}.{HOST}", "Port": 6379}


def group(**of: Any) -> Group:
    return Group(answering({"ReplicationGroups": [{"NodeGroups": []} | of]})[0], "g")


def test_without_cluster_mode_clients_use_the_primary_and_the_reader() -> None:
    nodes = {"PrimaryEndpoint": address("master"), "ReaderEndpoint": address("replica")}
    state = group(NodeGroups=[nodes], MemberClusters=["g-001", "g-002"]).describe()
    assert state.endpoints == (
        Endpoint("primary", f"master.{HOST}", 6379),
        Endpoint("reader", f"replica.{HOST}", 6379),
    )
    assert state.members == ("g-001", "g-002")


def test_in_cluster_mode_clients_use_the_configuration_endpoint() -> None:
    shards = [{"NodeGroupId": "0001"}, {"NodeGroupId": "0002"}]
    state = group(NodeGroups=shards, ConfigurationEndpoint=address("clustercfg")).describe()
    assert state.endpoints == (Endpoint("configuration", f"clustercfg.{HOST}", 6379),)


@pytest.mark.parametrize("known", [{}, {"Port": 6379}, {"Address": HOST}])
def test_a_group_without_an_address_is_waited_for(known: dict[str, Any]) -> None:
    with pytest.raises(NotYetError, match="no address yet"):
        group(ConfigurationEndpoint=known).describe()
    nodes = {"PrimaryEndpoint": address("master"), "ReaderEndpoint": known}
    state = group(NodeGroups=[nodes]).describe()
    assert [endpoint.name for endpoint in state.endpoints] == ["primary"]
    assert state.members == ()


def test_a_node_is_asked_for_by_its_name() -> None:
    nodes = [{"CacheNodeId": "0001", "Endpoint": address("g-001")}]
    client, asked = answering({"CacheClusters": [{"CacheNodes": nodes}]})
    assert Group(client, "g").node("g-001") == Endpoint("g-001", f"g-001.{HOST}", 6379)
    assert asked == {"CacheClusterId": "g-001", "ShowCacheNodeInfo": True}


@pytest.mark.parametrize(
    "cluster", [{}, {"CacheNodes": []}, {"CacheNodes": [{"CacheNodeId": "1"}]}]
)
def test_a_node_that_is_being_made_or_removed_has_no_address(cluster: dict[str, Any]) -> None:
    assert Group(answering({"CacheClusters": [cluster]})[0], "g").node("g-001") is None
    assert Group(answering("CacheClusterNotFound")[0], "g").node("g-001") is None


def test_a_node_that_may_not_be_asked_for_is_not_taken_for_gone() -> None:
    with pytest.raises(AwsRefusedError, match="AccessDenied"):
        Group(answering("AccessDenied")[0], "g").node("g-001")


@pytest.mark.parametrize(("kind", "passwords"), [("password", 2), ("no-password", None)])
def test_a_user_is_as_aws_describes_it(kind: str, passwords: int | None) -> None:
    kept = {"Type": kind} | ({"PasswordCount": passwords} if passwords else {})
    user = {"UserId": "u", "Status": "active", "Authentication": kept}
    expected = UserState("active", kind, passwords)
    assert User(answering({"Users": [user]})[0], "u").describe() == expected


@pytest.mark.parametrize("close", [True, False])
def test_the_whole_list_of_passwords_is_sent_and_no_rights(close: bool) -> None:
    client, asked = answering({})
    tokens = [AuthToken(letter * 64, datetime.now(UTC)) for letter in "ab"]
    User(client, "u").replace_passwords(tokens, close=close)
    open_too = {"NoPasswordRequired": False} if close else {}
    assert asked == {"UserId": "u", "Passwords": ["a" * 64, "b" * 64]} | open_too
