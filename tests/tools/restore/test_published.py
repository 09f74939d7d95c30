"""The restored group's addresses are what clients read, also after an interruption."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from environments.schema import Settings
from tools.command import Answer
from tools.restore import __main__ as command
from tools.restore import published

PATH = "/vibewell/production/redis"
NEW, OLD = "rediss://new.example.com:6379", "rediss://old.example.com:6379"
GROUP = {
    "ReplicationGroupId": "vibewell-redis",
    "Status": "available",
    "MemberClusters": ["vibewell-redis-001"],
    "NodeGroups": [{"PrimaryEndpoint": {"Address": "new.example.com", "Port": 6379}}],
}


class Deployed:
    """A stack that made these parameters."""

    def __init__(self, *names: str) -> None:
        self._names = names

    def made(self, name: str) -> bool:
        return name in self._names


@pytest.fixture
def ssm() -> Iterator[Any]:
    with mock_aws():
        yield boto3.client("ssm", region_name="us-east-1")


def put(ssm: Any, value: str) -> None:
    ssm.put_parameter(Name=f"{PATH}/REDIS_URL", Value=value, Type="String", Overwrite=True)


def value(ssm: Any) -> str:
    found: str = ssm.get_parameter(Name=f"{PATH}/REDIS_URL")["Parameter"]["Value"]
    return found


def publish(ssm: Any, *made: str) -> dict[str, str]:
    deployed: Any = Deployed(*(f"{PATH}/{name}" for name in made))
    return published.publish(ssm, deployed, PATH, GROUP, lambda _line: None)


def test_another_address_is_published_and_the_same_is_left_alone(ssm: Any) -> None:
    put(ssm, OLD)
    assert publish(ssm, "REDIS_URL") == {f"{PATH}/REDIS_URL": NEW}
    assert publish(ssm, "REDIS_URL") == {}
    assert value(ssm) == NEW


def test_an_address_that_is_missing_is_published_again(ssm: Any) -> None:
    assert publish(ssm, "REDIS_URL") == {f"{PATH}/REDIS_URL": NEW}
    assert value(ssm) == NEW


def test_what_the_stack_has_not_made_is_left_to_the_deployment_that_makes_it(ssm: Any) -> None:
    assert publish(ssm) == {}


class Replacement:
    """A group that is there; a restore that is begun all the same refuses."""

    group_id = "vibewell-redis"

    def __init__(self, *_arguments: object) -> None:
        pass

    def available(self) -> dict[str, Any]:
        return GROUP

    def restore(self, _snapshot: str, replace: str | None) -> dict[str, Any]:
        raise Answer(f"restore begins, REPLACE {replace}")


@pytest.fixture
def interrupted(ssm: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The group is available and the old address is still published."""
    put(ssm, OLD)
    monkeypatch.setattr(command, "session", lambda *_: boto3.Session(region_name="us-east-1"))
    monkeypatch.setattr(command, "Replacement", Replacement)
    monkeypatch.setattr(command, "Deployed", lambda *_: Deployed(f"{PATH}/REDIS_URL"))
    return ssm


def test_a_restore_interrupted_before_it_published_the_address_does_so_in_its_second_run(
    interrupted: Any, production: Settings
) -> None:
    said = command.restore(production, "kept", None)
    assert value(interrupted) == NEW
    assert "was there, and its address was not published" in said
    with pytest.raises(Answer, match="restore begins, REPLACE None"):
        command.restore(production, "kept", None)


def test_with_replace_the_group_that_goes_is_not_published_first(
    interrupted: Any, production: Settings
) -> None:
    with pytest.raises(Answer, match="restore begins, REPLACE vibewell-redis"):
        command.restore(production, "kept", "vibewell-redis")
    assert value(interrupted) == OLD
