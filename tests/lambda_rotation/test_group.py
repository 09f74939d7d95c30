from typing import Any

import pytest
from botocore.exceptions import ClientError

from shared.auth_token import AuthToken
from shared.errors import AwsRefusedError, NotYetError
from shared.group import Endpoint, Group
from tests.lambda_rotation.model.world import World

HOST = "vibewell-redis.abc.use1.cache.amazonaws.com"


class Answering:
    """A client of ElastiCache with one group."""

    def __init__(self, **group: Any) -> None:
        self.group = {"Status": "available", "NodeGroups": []} | group

    def describe_replication_groups(self, **_: str) -> dict[str, Any]:
        return {"ReplicationGroups": [self.group]}


class Refusing:
    """A client of ElastiCache that answers a modification with an error."""

    def __init__(self, code: str) -> None:
        self.code = code

    def modify_replication_group(self, **_: object) -> None:
        raise ClientError({"Error": {"Code": self.code, "Message": ""}}, "ModifyReplicationGroup")


def address(name: str) -> dict[str, Any]:
    return {"Address": f"{name}.{HOST}", "Port": 6379}


def test_without_cluster_mode_clients_use_the_primary_and_the_reader() -> None:
    nodes = {"PrimaryEndpoint": address("master"), "ReaderEndpoint": address("replica")}
    state = Group(Answering(NodeGroups=[nodes]), "g").describe()
    assert state.endpoints == (
        Endpoint("primary", f"master.{HOST}", 6379),
        Endpoint("reader", f"replica.{HOST}", 6379),
    )
    assert state.first.name == "primary"


def test_in_cluster_mode_clients_use_the_configuration_endpoint() -> None:
    shards = [{"NodeGroupId": "0001"}, {"NodeGroupId": "0002"}]
    client = Answering(NodeGroups=shards, ConfigurationEndpoint=address("clustercfg"))
    state = Group(client, "g").describe()
    assert state.endpoints == (Endpoint("configuration", f"clustercfg.{HOST}", 6379),)


def test_a_group_without_an_address_is_waited_for() -> None:
    with pytest.raises(NotYetError, match="no address yet"):
        Group(Answering(Status="creating"), "g").describe()


@pytest.mark.parametrize("known", [{"Port": 6379}, {"Address": HOST}])
def test_an_endpoint_without_its_address_or_port_is_none(known: dict[str, Any]) -> None:
    with pytest.raises(NotYetError, match="no address yet"):
        Group(Answering(ConfigurationEndpoint=known), "g").describe()
    nodes = {"PrimaryEndpoint": address("master"), "ReaderEndpoint": known}
    state = Group(Answering(NodeGroups=[nodes]), "g").describe()
    assert [endpoint.name for endpoint in state.endpoints] == ["primary"]


@pytest.mark.parametrize("status", ["modifying", "snapshotting", "creating", "deleting"])
def test_only_an_available_group_is_settled(status: str) -> None:
    nodes = {"PrimaryEndpoint": address("master")}
    state = Group(Answering(NodeGroups=[nodes], Status=status), "g").describe()
    with pytest.raises(NotYetError, match=status):
        state.require_settled()


def test_a_group_that_still_changes_its_token_is_not_settled() -> None:
    nodes = {"PrimaryEndpoint": address("master")}
    pending = {"AuthTokenStatus": "ROTATING"}
    state = Group(Answering(NodeGroups=[nodes], PendingModifiedValues=pending), "g").describe()
    with pytest.raises(NotYetError, match="ROTATING its token"):
        state.require_settled()


@pytest.mark.parametrize("code", ["InvalidParameterValue", "InvalidParameterCombination"])
def test_a_set_that_elasticache_does_not_take_is_told(code: str) -> None:
    assert Group(Refusing(code), "g").set_only(World().tools.secret.token(_current())) is False


def test_any_other_refusal_of_set_is_raised() -> None:
    token = World().tools.secret.token(_current())
    with pytest.raises(AwsRefusedError, match="AccessDenied"):
        Group(Refusing("AccessDenied"), "g").set_only(token)
    with pytest.raises(NotYetError):
        Group(Refusing("InvalidReplicationGroupState"), "g").set_only(token)


def test_rotate_asks_for_the_change_at_once_and_does_not_wait() -> None:
    world = World()
    token = AuthToken("A" * 64, created=world.time.now)
    world.tools.group.rotate(token)
    assert world.group.status == "modifying"
    assert world.group.token_status == "ROTATING"  # noqa: S105 - a state


def _current() -> str:
    return World().tools.secret.versions().current
