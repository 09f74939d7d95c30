"""Choosing, restoring and looking, on answers of the shape that AWS gives."""

import uuid
from collections.abc import Collection
from contextlib import nullcontext
from datetime import timedelta
from typing import Any

import pytest
from botocore.stub import ANY, Stubber

from recovery import settings
from recovery.manifest import checksum, read
from recovery.restore import COMPLETE, look, newest, restore, token_of
from recovery.settings import Settings
from shared.auth_token import LENGTH
from shared.errors import AwsRefusedError, StoppedError
from shared.secret import Secret
from tests.aws_samples import group_snapshot, member_snapshot
from tests.lambda_recovery import example
from tests.lambda_recovery.example import GROUP, NOW, RUN, SETTINGS, VARIABLES, group, stubbed

HOUR = timedelta(hours=1)
CHOSEN = {
    "name": "automatic.one",
    "node_type": "cache.t3.medium",
    "shards": 3,
    "tiered": False,
    "engine_version": "6.2",
}


def listing(*snapshots: dict[str, Any]) -> Any:
    """Answers in two pages, and has the newest of a group whose id begins with this one's."""
    client, stubber = stubbed("elasticache")
    others = [
        member_snapshot(f"{GROUP}-staging-001", NOW),
        group_snapshot(f"{GROUP}-staging", NOW),
        member_snapshot(f"{GROUP}-001-001", NOW),  # of a group <GROUP>-001
    ]
    asked = {"SnapshotSource": "system"}
    stubber.add_response("describe_snapshots", {"Snapshots": others, "Marker": "more"}, asked)
    asked = asked | {"Marker": "more"}
    stubber.add_response("describe_snapshots", {"Snapshots": list(snapshots)}, asked)
    return client


@pytest.mark.parametrize(
    ("statuses", "member", "age"),
    # One that a test or a person restores now is as complete as before, and restored by no other.
    [(COMPLETE, "007-2026-12-07-02-00", 7), (["available"], "002-2026-12-06-02-00", 31)],
)
def test_the_newest_snapshot_is_chosen_of_whichever_member(
    statuses: Collection[str], member: str, age: int
) -> None:
    client = listing(
        member_snapshot(f"{GROUP}-002", NOW - 31 * HOUR),
        member_snapshot(
            f"{GROUP}-007", NOW - 7 * HOUR, SnapshotStatus="restoring", DataTiering="enabled"
        ),
        member_snapshot(f"{GROUP}-001", NOW - 6 * HOUR, SnapshotStatus="deleting"),
        member_snapshot(f"{GROUP}-001", NOW - HOUR, SnapshotStatus="creating", NodeSnapshots=[]),
    )
    assert newest(client, SETTINGS, statuses) == {
        "name": f"automatic.{GROUP}-{member}",
        "created": (NOW - age * HOUR).isoformat(),
        "node_type": "cache.m3.large",
        "shards": 1,
        "tiered": statuses is COMPLETE,
        "engine_version": "6.2",
    }


@pytest.mark.parametrize("named_by_aws", [True, False])
def test_in_cluster_mode_a_snapshot_is_as_old_as_its_oldest_shard(named_by_aws: bool) -> None:
    sharded = group_snapshot(GROUP, *(NOW - age * HOUR for age in (3, 2, 1)))
    if not named_by_aws:  # no sample shows a time for each shard: the name has one as well
        for node in sharded["NodeSnapshots"]:
            del node["SnapshotCreateTime"]
    found = newest(listing(sharded), Settings.read(VARIABLES | {"CLUSTER_MODE": "true"}))
    assert (found["created"], found["shards"]) == ((NOW - 3 * HOUR).isoformat(), 3)


@pytest.mark.parametrize("cluster_mode", [True, False])
def test_a_member_of_a_shard_is_one_in_cluster_mode_only(cluster_mode: bool) -> None:
    client = listing(member_snapshot(f"{GROUP}-0001-001", NOW))
    changed = Settings.read(VARIABLES | {"CLUSTER_MODE": str(cluster_mode).lower()})
    with nullcontext() if cluster_mode else pytest.raises(settings.NoSnapshotError):
        assert newest(client, changed)["created"] == NOW.isoformat()


def test_without_a_snapshot_of_its_own_it_says_so() -> None:
    client = listing(member_snapshot(f"{GROUP}-001", NOW, SnapshotStatus="creating"))
    with pytest.raises(settings.NoSnapshotError, match="vibewell-redis has no automatic snapshot"):
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
    changed = Settings.read(VARIABLES | {"ENGINE": engine, "ENGINE_VERSION": deployed})
    one = member_snapshot(f"{GROUP}-002", NOW, Engine=engine, EngineVersion=taken_on)
    chosen = newest(listing(one), changed)
    assert chosen["engine_version"] == _created(changed, chosen)["EngineVersion"] == restored_on


IN_CLUSTER_MODE = {"NumNodeGroups": 3, "AutomaticFailoverEnabled": True}


@pytest.mark.parametrize(
    ("variables", "shape"),
    [
        ({}, {"NumCacheClusters": 1, "AutomaticFailoverEnabled": False}),
        ({"CLUSTER_MODE": "true"}, IN_CLUSTER_MODE | {"ReplicasPerNodeGroup": 0}),
        (
            {"CLUSTER_MODE": "true", "DURABLE": "true"},
            IN_CLUSTER_MODE | {"ReplicasPerNodeGroup": 1, "MultiAZEnabled": True},
        ),
    ],
)
@pytest.mark.parametrize("tiered", [False, True])
def test_a_restored_group_is_given_everything_that_a_snapshot_does_not_carry(
    variables: dict[str, str], shape: dict[str, Any], tiered: bool
) -> None:
    expected = {
        "ReplicationGroupId": RUN.group_id,
        "ReplicationGroupDescription": RUN.description,
        "SnapshotName": "automatic.one",
        "Engine": "redis",
        "EngineVersion": "6.2",
        "CacheNodeType": "cache.t3.medium",
        "CacheParameterGroupName": "parameters",
        "CacheSubnetGroupName": "subnets",
        "SecurityGroupIds": ["sg-0a1b2c3d"],
        "Port": 6379,
        "AutoMinorVersionUpgrade": False,
        "AtRestEncryptionEnabled": True,
        "KmsKeyId": "key",
        "TransitEncryptionEnabled": True,
        "AuthToken": example.TOKEN,
        "SnapshotRetentionLimit": 0,
    }
    created = _created(Settings.read(VARIABLES | variables), CHOSEN | {"tiered": tiered})
    assert created == expected | shape | ({"DataTieringEnabled": True} if tiered else {})


@pytest.mark.parametrize(
    ("refusal", "description", "raised", "words"),
    [
        # A retry takes the group and the token that are there.
        ("ReplicationGroupAlreadyExists", RUN.description, None, ""),
        (
            *("ReplicationGroupAlreadyExists", "An experiment"),
            *(settings.RestoreFailedError, "not of this test"),
        ),
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


def test_each_execution_makes_a_token_of_its_own() -> None:
    tokens = []
    for execution in ("one", "two"):
        manager, stubber = stubbed("secretsmanager")
        stubber.add_client_error("get_secret_value", "ResourceNotFoundException")
        stubber.add_response("put_secret_value", {})
        tokens.append(token_of(Secret(manager, "secret"), RUN.group_id, execution))
        stubber.assert_no_pending_responses()
    assert tokens[0] != tokens[1]
    assert all(len(token) == LENGTH and token.isalnum() for token in tokens)


def kept_token() -> tuple[Secret, Stubber]:
    manager, secrets = stubbed("secretsmanager")
    version = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{RUN.group_id}/{RUN.execution}"))
    secrets.add_response(
        *("get_secret_value", {"SecretString": example.TOKEN, "CreatedDate": NOW}),
        {"SecretId": SETTINGS.secret_arn, "VersionId": version},
    )
    return Secret(manager, SETTINGS.secret_arn), secrets


def _created(changed: Settings, chosen: dict[str, Any] = CHOSEN) -> dict[str, Any]:
    """What CreateReplicationGroup is given, with a token of an earlier try."""
    secret, _ = kept_token()
    client, stubber = stubbed("elasticache")
    created: dict[str, Any] = {}
    stubber.add_response("create_replication_group", {"ReplicationGroup": {}})
    client.meta.events.register(
        "provide-client-params.elasticache.CreateReplicationGroup",
        lambda params, **_: created.update(params),
    )
    restore(client, secret, changed, RUN, chosen)
    return created


READY = {"ready": True, "address": "restored", "port": 6379}
WAITS = {"ready": False}


@pytest.mark.parametrize(
    ("changes", "answer"),
    [
        ({}, READY),
        ({"ConfigurationEndpoint": {"Address": "all", "Port": 6379}}, READY | {"address": "all"}),
        ({"NodeGroups": []}, WAITS),
        ({"NodeGroups": [{"PrimaryEndpoint": {}}]}, WAITS),
        *(({"Status": status}, WAITS) for status in ("creating", "modifying", "snapshotting")),
    ],
)
def test_a_group_is_ready_when_it_has_the_address_that_leads_to_every_shard(
    changes: dict[str, Any], answer: dict[str, Any]
) -> None:
    client, _ = example.describing(**changes)
    assert look(client, SETTINGS, RUN, NOW + HOUR) == answer


@pytest.mark.parametrize(
    ("status", "raised", "words"),
    [
        ("create-failed", settings.RestoreFailedError, "create-failed"),
        ("deleting", settings.RestoreFailedError, "deleting"),
        ("creating", settings.TooLateError, "60 minutes"),
    ],
)
def test_a_group_is_not_waited_for_that_will_never_be_ready_or_is_too_late(
    status: str, raised: type[Exception], words: str
) -> None:
    client, _ = example.describing(Status=status)
    with pytest.raises(raised, match=words):
        look(client, SETTINGS, RUN, NOW + HOUR + timedelta(seconds=1))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        *((text, "is no manifest") for text in ("{", "[]", '{"sentinels": {}}')),
        ('{"checksum": "x"}', "is no manifest"),
        ('{"sentinels": {}, "checksum": "x"}', "names no sentinel"),
        ('{"sentinels": {"key": "digest"}, "checksum": "x"}', "does not match its checksum"),
        (settings.ManifestError("ParameterNotFound"), "there is no manifest name"),
        (AwsRefusedError("", "AccessDeniedException"), "AccessDeniedException"),
    ],
)
def test_a_manifest_that_is_not_the_deployed_one_or_cannot_be_read_is_an_error(
    text: str | StoppedError, says: str
) -> None:
    client, stubber = stubbed("ssm")
    if isinstance(text, str):
        stubber.add_response("get_parameter", {"Parameter": {"Value": text}}, {"Name": ANY})
    else:
        stubber.add_client_error("get_parameter", str(text).rpartition(" ")[2])
    raised = settings.ManifestError if isinstance(text, str) else type(text)
    with pytest.raises(raised, match=says):
        read(client, "name")


def test_the_checksum_does_not_depend_on_the_order() -> None:
    assert checksum({"a": "1", "b": "2"}) == checksum({"b": "2", "a": "1"})
    assert checksum({"a": "1", "b": "2"}) != checksum({"a": "2", "b": "1"})
