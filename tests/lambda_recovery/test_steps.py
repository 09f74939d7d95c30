"""Choosing, restoring and looking, on answers of the shape that AWS gives."""

from contextlib import nullcontext
from datetime import timedelta
from typing import Any

import pytest
from botocore.stub import ANY, Stubber

from recovery.errors import (
    ManifestError,
    NoSnapshotError,
    RestoreFailedError,
    StillThereError,
    TooLateError,
)
from recovery.manifest import checksum, read
from recovery.restore import MOST_PASSES, look, remove, restore, token_of
from recovery.settings import Settings
from recovery.snapshots import newest
from shared.auth_token import LENGTH
from shared.errors import AwsRefusedError
from shared.secret import Secret
from tests.aws_samples import group_snapshot, member_snapshot
from tests.lambda_recovery.example import (
    GROUP,
    NOW,
    RUN,
    SETTINGS,
    TOKEN,
    VARIABLES,
    describing,
    group,
    stubbed,
)

HOUR = timedelta(hours=1)
CHOSEN = {
    "name": "automatic.one",
    "node_type": "cache.t3.medium",
    "shards": 3,
    "tiered": False,
    "engine_version": "6.2",
}
SHARDED = Settings.read(VARIABLES | {"CLUSTER_MODE": "true"})


def listing(*snapshots: dict[str, Any]) -> tuple[Any, Stubber]:
    """Answers in two pages, and holds the newest of a group whose id begins with this one's."""
    client, stubber = stubbed("elasticache")
    beside = (
        member_snapshot(f"{GROUP}-staging-001", NOW),
        group_snapshot(f"{GROUP}-staging", NOW),
        member_snapshot(f"{GROUP}-001-001", NOW),  # of a group <GROUP>-001
    )
    asked = {"SnapshotSource": "system"}
    first = {"Snapshots": list(beside), "Marker": "more"}
    stubber.add_response("describe_snapshots", first, asked)
    asked = {"SnapshotSource": "system", "Marker": "more"}
    stubber.add_response("describe_snapshots", {"Snapshots": list(snapshots)}, asked)
    return client, stubber


def test_the_newest_complete_snapshot_is_chosen_of_whichever_member() -> None:
    client, _ = listing(
        member_snapshot(f"{GROUP}-002", NOW - 31 * HOUR),
        member_snapshot(f"{GROUP}-007", NOW - 7 * HOUR),
        member_snapshot(f"{GROUP}-001", NOW - HOUR, SnapshotStatus="creating", NodeSnapshots=[]),
    )
    found = newest(client, SETTINGS)
    assert found.name == f"automatic.{GROUP}-007-2026-12-07-02-00"
    assert found.document() == {
        "name": found.name,
        "created": "2026-12-07T02:00:00+00:00",
        "node_type": "cache.m3.large",
        "shards": 1,
        "tiered": False,
        "engine_version": "6.2",
    }


@pytest.mark.parametrize("named_by_aws", [True, False])
def test_in_cluster_mode_a_snapshot_is_as_old_as_its_oldest_shard(named_by_aws: bool) -> None:
    sharded = group_snapshot(GROUP, *(NOW - age * HOUR for age in (3, 2, 1)))
    if not named_by_aws:  # no sample shows a time for each shard: the name has one as well
        for node in sharded["NodeSnapshots"]:
            del node["SnapshotCreateTime"]
    client, _ = listing(sharded)
    found = newest(client, SHARDED)
    assert (found.created, found.shards) == (NOW - 3 * HOUR, 3)


def test_without_a_snapshot_of_its_own_it_says_so() -> None:
    client, _ = listing(member_snapshot(f"{GROUP}-001", NOW, SnapshotStatus="creating"))
    with pytest.raises(NoSnapshotError, match="vibewell-redis has no automatic snapshot"):
        newest(client, SETTINGS)


@pytest.mark.parametrize(
    ("engine", "deployed", "taken_on", "restored_on"),
    [
        ("redis", "6.2", "6.2.6", "6.2"),
        ("redis", "7.0", "7.1.0", "7.1"),  # raised by AWS within redis7
        ("valkey", "8.0", "8.1.0", "8.1"),
        ("valkey", "8.1", "8.0.1", "8.1"),
        ("redis", "6.2", "7.0.7", "6.2"),  # another family: ElastiCache says so
    ],
)
def test_a_backup_is_restored_on_the_version_to_which_aws_raised_the_engine(
    engine: str, deployed: str, taken_on: str, restored_on: str
) -> None:
    settings = Settings.read(VARIABLES | {"ENGINE": engine, "ENGINE_VERSION": deployed})
    one = member_snapshot(f"{GROUP}-002", NOW, Engine=engine, EngineVersion=taken_on)
    client, _ = listing(one)
    chosen = newest(client, settings).document()
    assert chosen["engine_version"] == restored_on
    assert _created(settings, chosen)["EngineVersion"] == restored_on


def test_a_restored_group_is_given_everything_that_a_snapshot_does_not_carry() -> None:
    given = _created(SETTINGS)
    assert given["AuthToken"] == TOKEN
    assert given["TransitEncryptionEnabled"] is True
    assert given["AtRestEncryptionEnabled"] is True
    assert given["KmsKeyId"] == "key"
    assert given["CacheSubnetGroupName"] == "subnets"
    assert given["CacheParameterGroupName"] == "parameters"
    assert given["SecurityGroupIds"] == ["sg-0a1b2c3d"]
    assert (given["Engine"], given["EngineVersion"]) == ("redis", "6.2")
    assert given["NumCacheClusters"] == 1
    assert given["SnapshotRetentionLimit"] == 0
    assert given["ReplicationGroupId"] == RUN.group_id


def test_in_cluster_mode_it_has_the_snapshots_shards() -> None:
    given = _created(SHARDED)
    assert not {"NumCacheClusters", "MultiAZEnabled"} & set(given)
    assert (given["NumNodeGroups"], given["ReplicasPerNodeGroup"]) == (3, 0)
    assert given["AutomaticFailoverEnabled"] is True


def test_a_durable_one_has_a_replica_in_another_zone_for_each_shard() -> None:
    given = _created(Settings.read(VARIABLES | {"CLUSTER_MODE": "true", "DURABLE": "true"}))
    assert (given["ReplicasPerNodeGroup"], given["MultiAZEnabled"]) == (1, True)


@pytest.mark.parametrize(
    ("refusal", "description", "raised", "words"),
    [
        # A retry takes the group and the token that are there.
        ("ReplicationGroupAlreadyExists", RUN.description, None, ""),
        ("ReplicationGroupAlreadyExists", "An experiment", RestoreFailedError, "not of this test"),
        ("SnapshotNotFoundFault", "", AwsRefusedError, "SnapshotNotFoundFault"),
    ],
)
def test_a_name_that_is_taken_is_this_tests_own_or_a_failure(
    refusal: str, description: str, raised: type[Exception] | None, words: str
) -> None:
    client, stubber = stubbed("elasticache")
    stubber.add_client_error("create_replication_group", refusal)
    own = group(RUN.group_id, Description=description)
    stubber.add_response("describe_replication_groups", {"ReplicationGroups": [own]})
    secret, secrets = kept_token()
    with pytest.raises(raised, match=words) if raised else nullcontext():
        restore(client, secret, SETTINGS, RUN, CHOSEN)
    secrets.assert_no_pending_responses()


@pytest.mark.parametrize(
    ("changes", "address"),
    [({}, "restored"), ({"ConfigurationEndpoint": {"Address": "all", "Port": 6379}}, "all")],
)
def test_a_group_that_is_there_is_reached_by_the_address_that_leads_to_every_shard(
    changes: dict[str, Any], address: str
) -> None:
    client, _ = describing(**changes)
    assert look(client, SETTINGS, RUN, NOW) == {"ready": True, "address": address, "port": 6379}


@pytest.mark.parametrize("shards", [{}, {"NodeGroups": [{"PrimaryEndpoint": {}}]}])
def test_a_group_without_an_address_yet_is_looked_at_again(shards: dict[str, Any]) -> None:
    client, stubber = stubbed("elasticache")
    described = group("x")
    del described["NodeGroups"]
    answer = {"ReplicationGroups": [described | shards]}
    stubber.add_response("describe_replication_groups", answer)
    assert look(client, SETTINGS, RUN, NOW) == {"ready": False}


@pytest.mark.parametrize("status", ["create-failed", "deleting"])
def test_a_group_that_will_never_be_ready_is_not_waited_for(status: str) -> None:
    client, _ = describing(Status=status)
    with pytest.raises(RestoreFailedError, match=status):
        look(client, SETTINGS, RUN, NOW)


def test_a_group_is_waited_for_as_long_as_a_restore_may_take_and_no_longer() -> None:
    client, stubber = stubbed("elasticache")
    creating = {"ReplicationGroups": [group("x", Status="creating")]}
    for _ in range(2):
        stubber.add_response("describe_replication_groups", creating)
    assert look(client, SETTINGS, RUN, NOW + HOUR) == {"ready": False}
    with pytest.raises(TooLateError, match="60 minutes"):
        look(client, SETTINGS, RUN, NOW + HOUR + timedelta(seconds=1))


def test_a_removal_has_an_end_too() -> None:
    client, _ = describing(Status="deleting")
    with pytest.raises(StillThereError, match="still deleting"):
        remove(client, RUN, MOST_PASSES)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "is no manifest"),
        ("[]", "is no manifest"),
        ('{"sentinels": {}}', "is no manifest"),
        ('{"checksum": "x"}', "is no manifest"),
        ('{"sentinels": {}, "checksum": "x"}', "names no sentinel"),
        ('{"sentinels": {"key": "digest"}, "checksum": "x"}', "does not match its checksum"),
    ],
)
def test_a_manifest_that_is_not_the_deployed_one_is_told(text: str, says: str) -> None:
    client, stubber = stubbed("ssm")
    stubber.add_response("get_parameter", {"Parameter": {"Value": text}}, {"Name": ANY})
    with pytest.raises(ManifestError, match=says):
        read(client, "name")


@pytest.mark.parametrize(
    ("code", "raised", "says"),
    [
        ("ParameterNotFound", ManifestError, "there is no manifest name"),
        ("AccessDeniedException", AwsRefusedError, "AccessDeniedException"),
    ],
)
def test_a_manifest_that_is_not_there_is_told_apart_from_one_that_aws_refuses_to_show(
    code: str, raised: type[Exception], says: str
) -> None:
    client, stubber = stubbed("ssm")
    stubber.add_client_error("get_parameter", code)
    with pytest.raises(raised, match=says):
        read(client, "name")


def test_the_checksum_does_not_depend_on_the_order() -> None:
    assert checksum({"a": "1", "b": "2"}) == checksum({"b": "2", "a": "1"})
    assert checksum({"a": "1", "b": "2"}) != checksum({"a": "2", "b": "1"})


def test_each_execution_makes_a_token_of_its_own() -> None:
    made = []
    for execution in ("one", "two"):
        manager, stubber = stubbed("secretsmanager")
        stubber.add_client_error("get_secret_value", "ResourceNotFoundException")
        stubber.add_response("put_secret_value", {})
        made.append(token_of(Secret(manager, "secret"), RUN.group_id, execution))
        stubber.assert_no_pending_responses()
    assert made[0] != made[1]
    assert all(len(token) == LENGTH and token.isalnum() for token in made)


def kept_token() -> tuple[Secret, Stubber]:
    """The secret with a token of an earlier try."""
    manager, secrets = stubbed("secretsmanager")
    secrets.add_response("get_secret_value", {"SecretString": TOKEN, "CreatedDate": NOW})
    return Secret(manager, SETTINGS.secret_arn), secrets


def _created(settings: Settings, chosen: dict[str, Any] = CHOSEN) -> dict[str, Any]:
    """What CreateReplicationGroup is given, with a token of an earlier try."""
    secret, _ = kept_token()
    client, stubber = stubbed("elasticache")
    given: dict[str, Any] = {}
    stubber.add_response("create_replication_group", {"ReplicationGroup": {}})
    client.meta.events.register(
        "provide-client-params.elasticache.CreateReplicationGroup",
        lambda params, **_: given.update(params),
    )
    restore(client, secret, settings, RUN, chosen)
    return given
