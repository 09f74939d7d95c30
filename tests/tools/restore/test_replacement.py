"""What a restore says when AWS refuses, and what a second run does after an interruption."""

import time
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.stub import Stubber
from redis import AuthenticationError

from tests.aws_samples import member_snapshot
from tests.emulator.elasticache.conftest import Rehearsed, rehearsed, start
from tools.command import Answer
from tools.restore.replacement import NOTHING, Replacement

__all__ = ["rehearsed", "start"]

GROUP = "vibewell-redis"
USERS = "vibewell-redis-users"


class Wanted:
    """What the deployed template asks for."""

    def __init__(self, **more: Any) -> None:
        self._more = more

    def group(self) -> dict[str, Any]:
        return {
            "ReplicationGroupId": GROUP,
            "ReplicationGroupDescription": "of the tests",
            "KmsKeyId": "key",
            "Engine": "redis",
            "EngineVersion": "6.2",
            "UserGroupIds": [USERS],
            **self._more,
        }


class Account:
    """ElastiCache's answers, in their order; a call that is not expected fails the test."""

    def __init__(self, **more: Any) -> None:
        once = Config(retries={"total_max_attempts": 1})
        self.client = boto3.client("elasticache", "us-east-1", config=once)
        self.stub = Stubber(self.client)
        self.stub.activate()
        self.said: list[str] = []
        self.wanted = Wanted(**more)
        deployed: Any = self.wanted
        self.replacement = Replacement(
            self.client, deployed, self.said.append, "stamp", lambda _seconds: None
        )

    def has_no_group(self) -> None:
        self.stub.add_client_error("describe_replication_groups", "ReplicationGroupNotFoundFault")

    def has(self, status: str) -> None:
        groups = [{"ReplicationGroupId": GROUP, "Status": status}]
        self.stub.add_response("describe_replication_groups", {"ReplicationGroups": groups})

    def has_users(self, status: str) -> None:
        groups = [{"UserGroupId": USERS, "Status": status}]
        self.stub.add_response("describe_user_groups", {"UserGroups": groups})

    def snapshots(self, name: str, **changes: Any) -> None:
        taken = datetime(2026, 12, 7, 2, 13, tzinfo=UTC)
        given = {"SnapshotName": name, "source": "manual", **changes}
        snapshot = member_snapshot(f"{GROUP}-003", taken, **given)
        self.stub.add_response("describe_snapshots", {"Snapshots": [snapshot]})


def test_a_refusal_is_told_with_the_reason() -> None:
    account = Account()
    account.has_no_group()
    account.has_users("active")
    account.stub.add_client_error(
        "create_replication_group", "InvalidParameterValue", "the subnet group is gone"
    )
    with pytest.raises(Answer, match=r"did not make vibewell-redis.*subnet group is gone"):
        account.replacement.restore(NOTHING, None)


def test_a_group_that_is_there_is_not_deleted_and_an_interrupted_restore_is_called_over() -> None:
    account = Account()
    account.has("available")
    account.snapshots("kept")
    with pytest.raises(Answer, match=r"is over: make health.*add REPLACE=vibewell-redis"):
        account.replacement.restore("kept", None)
    account.stub.assert_no_pending_responses()


def test_a_lost_group_whose_engine_aws_had_raised_comes_back_on_the_raised_version(
    rehearsed: Rehearsed,
) -> None:
    rehearsed.with_users(ReplicationGroupId=GROUP, EngineVersion="6.2")
    rehearsed.connect(GROUP).set("key", "value")
    rehearsed.delete(GROUP, FinalSnapshotIdentifier="final")
    deployed: Any = Wanted(
        EngineVersion="6.0",
        CacheNodeType="cache.t3.medium",
        NumCacheClusters=1,
        TransitEncryptionEnabled=True,
        UserGroupIds=["clients"],
    )
    said: list[str] = []
    restored = Replacement(
        rehearsed.client, deployed, said.append, "stamp", lambda _: time.sleep(0.1)
    ).restore("final", None)
    assert restored["Status"] == "available"
    (node,) = rehearsed.client.describe_cache_clusters()["CacheClusters"]
    assert node["EngineVersion"] == "6.2.6"
    assert rehearsed.connect(GROUP).get("key") == "value"
    with pytest.raises(AuthenticationError):
        rehearsed.connect(GROUP, None).ping()
    assert any('write engine = "redis-6.2"' in line for line in said)


@pytest.mark.parametrize("status", ["creating", "modifying", "deleting"])
def test_only_an_available_group_has_addresses_to_publish(status: str) -> None:
    account = Account()
    account.has(status)
    account.has_no_group()
    account.has("available")
    assert account.replacement.available() is None
    assert account.replacement.available() is None
    found = account.replacement.available()
    assert found is not None
    assert found["Status"] == "available"


@pytest.mark.parametrize("status", [None, "modifying", "deleting"])
def test_a_user_group_that_lets_nobody_in_is_told_while_the_group_is_still_there(
    status: str | None,
) -> None:
    account = Account()
    account.has("available")
    account.snapshots("kept")
    if status:
        account.has_users(status)
    else:
        account.stub.add_client_error("describe_user_groups", "UserGroupNotFound")
    with pytest.raises(Answer, match=f"user group {USERS}"):
        account.replacement.restore("kept", GROUP)
    account.stub.assert_no_pending_responses()


def test_a_property_that_elasticache_does_not_take_is_told_before_anything_is_asked() -> None:
    with pytest.raises(Answer, match="Unheard is no parameter of CreateReplicationGroup"):
        Account(Unheard="of")
