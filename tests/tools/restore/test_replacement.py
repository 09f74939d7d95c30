"""What a restore says when AWS refuses, and what a second run does after an interruption."""

import time
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ParamValidationError
from botocore.stub import Stubber

from tests.aws_samples import member_snapshot
from tests.rehearsal.elasticache.conftest import Rehearsed, rehearsed, start
from tools.restore.errors import CannotRestore
from tools.restore.replacement import NOTHING, Replacement

__all__ = ["rehearsed", "start"]

GROUP = "vibewell-redis"
TOKEN = "TheTokenThatClientsReadNow0123456789"  # noqa: S105 - it opens nothing


class Wanted:
    """What the deployed template asks for."""

    tags = ({"Key": "made-by", "Value": "the tests"},)

    def __init__(self, **more: Any) -> None:
        self._more = more
        self.unreadable = False

    def group(self) -> dict[str, Any]:
        return {
            "ReplicationGroupId": GROUP,
            "ReplicationGroupDescription": "of the tests",
            "KmsKeyId": "key",
            "Engine": "redis",
            "EngineVersion": "6.2",
            **self._more,
        }

    def token(self) -> str:
        if self.unreadable:
            raise ClientError({"Error": {"Code": "AccessDenied"}}, "GetSecretValue")
        return TOKEN


class Account:
    """ElastiCache's answers, in their order; a call that is not expected fails the test."""

    def __init__(self, **more: Any) -> None:
        self.client = boto3.client(
            "elasticache",
            region_name="us-east-1",
            aws_access_key_id="nobody",
            aws_secret_access_key="nobody",  # noqa: S106 - it opens nothing
            config=Config(retries={"total_max_attempts": 1}),
        )
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

    def snapshots(self, name: str, **changes: Any) -> None:
        taken = datetime(2026, 12, 7, 2, 13, tzinfo=UTC)
        given = {"SnapshotName": name, "source": "manual", **changes}
        snapshot = member_snapshot(f"{GROUP}-003", taken, **given)
        self.stub.add_response("describe_snapshots", {"Snapshots": [snapshot]})


def test_a_refusal_that_quotes_the_token_is_told_without_it() -> None:
    account = Account()
    account.has_no_group()
    account.stub.add_client_error(
        "create_replication_group", "InvalidParameterValue", f"AuthToken {TOKEN} is too weak"
    )
    with pytest.raises(CannotRestore, match="is too weak") as refused:
        account.replacement.restore(NOTHING, None)
    assert TOKEN not in str(refused.value)
    assert refused.value.__suppress_context__


def test_a_call_that_botocore_does_not_make_is_told_without_the_token_too() -> None:
    account = Account()
    account.has_no_group()

    def refuse(**_call: Any) -> None:
        raise ParamValidationError(report=f"Invalid value for parameter AuthToken: {TOKEN}")

    event = "provide-client-params.elasticache.CreateReplicationGroup"
    account.client.meta.events.register_first(event, refuse)
    with pytest.raises(CannotRestore, match="parameter AuthToken") as refused:
        account.replacement.restore(NOTHING, None)
    assert TOKEN not in str(refused.value)


def test_a_group_that_is_there_is_not_deleted_and_an_interrupted_restore_is_called_over() -> None:
    account = Account()
    account.has("available")
    account.snapshots("kept")
    with pytest.raises(CannotRestore, match=r"is over: make health.*add REPLACE=vibewell-redis"):
        account.replacement.restore("kept", None)
    account.stub.assert_no_pending_responses()


def test_a_lost_group_whose_engine_aws_had_raised_comes_back_on_the_raised_version(
    rehearsed: Rehearsed,
) -> None:
    rehearsed.create(ReplicationGroupId=GROUP, EngineVersion="6.2", AuthToken=TOKEN)
    rehearsed.connect(GROUP, TOKEN).set("key", "value")
    rehearsed.delete(GROUP, FinalSnapshotIdentifier="final")
    deployed: Any = Wanted(
        EngineVersion="6.0",
        CacheNodeType="cache.t3.medium",
        NumCacheClusters=1,
        TransitEncryptionEnabled=True,
    )
    said: list[str] = []
    restored = Replacement(
        rehearsed.client, deployed, said.append, "stamp", lambda _: time.sleep(0.1)
    ).restore("final", None)
    assert restored["Status"] == "available"
    (node,) = rehearsed.client.describe_cache_clusters()["CacheClusters"]
    assert node["EngineVersion"] == "6.2.6"
    assert rehearsed.connect(GROUP, TOKEN).get("key") == "value"
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


def test_a_token_that_cannot_be_read_is_told_while_the_group_is_still_there() -> None:
    account = Account()
    account.has("available")
    account.snapshots("kept")
    account.wanted.unreadable = True
    with pytest.raises(ClientError, match="AccessDenied"):
        account.replacement.restore("kept", GROUP)
    account.stub.assert_no_pending_responses()


def test_a_property_that_elasticache_does_not_take_is_told_before_anything_is_asked() -> None:
    with pytest.raises(CannotRestore, match="Unheard is no parameter of CreateReplicationGroup"):
        Account(Unheard="of")
