"""``make restore``: what ElastiCache would refuse is said before the present group is deleted."""

import copy
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from redis import AuthenticationError

from tests.aws_samples import group_snapshot, member_snapshot
from tests.emulator.elasticache.conftest import Rehearsed, rehearsed, start
from tests.support import Document
from tests.tools.account import (
    ANSWERS,
    GONE,
    GROUPS,
    ID,
    MAKES,
    STACKS,
    TEMPLATE,
    Case,
    Run,
    group,
    stack,
)
from tools.command import Answer
from tools.restore import __main__ as restore
from tools.restore import sources

__all__ = ["rehearsed", "start"]

THEN = datetime(2026, 12, 7, 2, 13, tzinfo=UTC)
GROUP = {"ReplicationGroupId": "vibewell-redis", "Engine": "redis", "EngineVersion": "6.2"}
SHARDED = GROUP | {"NumNodeGroups": 3}
SNAPSHOT = member_snapshot("vibewell-redis-002", THEN)
OF_SHARDS = group_snapshot("vibewell-redis", THEN, THEN, THEN)
USERS, SNAPSHOTS = "elasticache:DescribeUserGroups", "elasticache:DescribeSnapshots"


@pytest.mark.parametrize(
    ("snapshot", "group"),
    [
        (SNAPSHOT, GROUP),
        (SNAPSHOT | {"ReplicationGroupId": "vibewell-redis"}, GROUP),
        (member_snapshot("vibewell-redis-009", THEN), GROUP),  # a node that is gone
        (SNAPSHOT, GROUP | {"EngineVersion": "7.1"}),
        (SNAPSHOT, GROUP | {"Engine": "valkey", "EngineVersion": "8.0"}),
        (SNAPSHOT, GROUP | {"NumNodeGroups": 1}),  # from before cluster mode
        (OF_SHARDS, SHARDED),
    ],
)
def test_a_snapshot_of_this_group_at_its_version_fits(
    snapshot: dict[str, Any], group: dict[str, Any]
) -> None:
    sources.check(snapshot, group)
    assert sources.engine_version(snapshot, group) == group["EngineVersion"]


@pytest.mark.parametrize(
    ("engine", "deployed", "taken_on", "restored_on"),
    [("redis", "7.0", "7.1.0", "7.1"), ("valkey", "8.0", "8.1.0", "8.1")],
)
def test_one_that_is_newer_within_the_family_fits_on_its_own_version(
    engine: str, deployed: str, taken_on: str, restored_on: str
) -> None:
    group = GROUP | {"Engine": engine, "EngineVersion": deployed}
    snapshot = SNAPSHOT | {"Engine": engine, "EngineVersion": taken_on}
    sources.check(snapshot, group)
    assert sources.engine_version(snapshot, group) == restored_on


@pytest.mark.parametrize(
    ("snapshot", "says"),
    [
        (SNAPSHOT | {"SnapshotStatus": "creating"}, "is creating"),
        (member_snapshot("vibewell-redis-staging-001", THEN), "is a snapshot of .*-staging-001"),
        (group_snapshot("vibewell-redis-staging", THEN), "is a snapshot of .*-staging, not"),
        (SNAPSHOT | {"EngineVersion": "7.0.7"}, "taken on redis-7.0, and redis-6.2 is deployed"),
        (SNAPSHOT | {"Engine": "valkey", "EngineVersion": "8.0.1"}, "was taken on valkey-8.0"),
        (OF_SHARDS, "has 3 shards, the deployed group 1"),
    ],
)
def test_one_that_does_not_fit_is_refused_with_a_remedy(
    snapshot: dict[str, Any], says: str
) -> None:
    with pytest.raises(Answer, match=says):
        sources.check(snapshot, GROUP)


@pytest.mark.parametrize("change", [{"EngineVersion": "7.0.7"}, {"NumNodeGroups": 3}])
def test_what_needs_a_deployment_first_says_how_to_deploy_when_the_group_is_gone(
    change: dict[str, Any],
) -> None:
    with pytest.raises(Answer, match=r"SNAPSHOT=none, deploy.*REPLACE=vibewell-redis"):
        sources.check(SNAPSHOT | change, GROUP)


@pytest.mark.parametrize(
    ("snapshot", "group", "demanded"),
    [
        ({}, {}, None),
        ({"Durability": "disabled"}, {}, None),
        ({"Durability": "sync"}, {"Durability": "disabled"}, None),
        ({"Durability": "sync"}, {}, 1),
        ({"Durability": "async"}, {"ReplicasPerNodeGroup": 2}, 2),
    ],
)
def test_a_durable_snapshot_demands_a_replica_in_another_zone(
    snapshot: dict[str, Any], group: dict[str, Any], demanded: int | None
) -> None:
    found = sources.durability(OF_SHARDS | snapshot, SHARDED | group)
    assert found.get("ReplicasPerNodeGroup") == demanded
    assert found.get("MultiAZEnabled", False) is (demanded is not None)


def template(**changes: Any) -> dict[str, Any]:
    """The deployed template, with other properties of the group; None takes one away."""
    body = copy.deepcopy(TEMPLATE)
    properties = body["Resources"]["RedisGroup88ACAA33"]["Properties"]
    properties.update(changes)
    for name in [name for name, value in changes.items() if value is None]:
        del properties[name]
    return {"cloudformation:GetTemplate": {"TemplateBody": body}}


def described(**changes: Any) -> Document:
    """The snapshot "kept" with other fields."""
    found: Document = ANSWERS[SNAPSHOTS]
    return found | {f"Snapshots[].{name}": changes[name] for name in changes}


PATH = "/vibewell/production/redis/REDIS_URL"
THERE, REPLACED = "production kept", f"production kept {ID}"
ENDPOINT = {"Address": "new.example.com", "Port": 6379}
PUBLISHED = group(NodeGroups=[{"PrimaryEndpoint": ENDPOINT}]) | {
    "cloudformation:ListStackResources": {
        "StackResourceSummaries": [
            {"LogicalResourceId": name, "PhysicalResourceId": PATH if name == "Url" else name}
            for name in (*TEMPLATE["Resources"], "Url")
        ]
    },
    "ssm:GetParameter": {"Parameter.Value": "rediss://old.example.com:6379"},
}
BUSY = PUBLISHED | {GROUPS: PUBLISHED[GROUPS] | {"ReplicationGroups[].Status": "modifying"}}
ALREADY = PUBLISHED | {"ssm:GetParameter": {"Parameter.Value": "rediss://new.example.com:6379"}}


@pytest.mark.parametrize(
    ("arguments", "answers", "says"),
    [
        (THERE, {STACKS: "ValidationError"}, "Deploy the environment first"),
        (THERE, stack("UPDATE_IN_PROGRESS"), "is UPDATE_IN_PROGRESS.*Wait"),
        (THERE, template(UserGroupIds=None), "without a login"),
        (THERE, template(KmsKeyId={"Fn::GetAtt": ["Key961B73FD", "Arn"]}), "cannot read"),
        (THERE, template(Unheard="of"), "Unheard is no parameter of CreateReplicationGroup"),
        (THERE, {}, f"is over: make health.*add REPLACE={ID}"),
        (THERE, ALREADY, f"is over: make health.*add REPLACE={ID}"),
        (THERE, BUSY, f"is over: make health.*add REPLACE={ID}"),  # no address is published
        (REPLACED, {USERS: "UserGroupNotFound"}, "no user group physical-UserGroup56121C8F"),
        (REPLACED, {USERS: {"UserGroups[].Status": "modifying"}}, "user group .* is modifying"),
        (REPLACED, {USERS: {"UserGroups[].Status": "deleting"}}, "user group .* is deleting"),
        (REPLACED, group(Status="modifying"), "is modifying, and ElastiCache deletes no group"),
        (REPLACED, {SNAPSHOTS: described(SnapshotStatus="creating")}, "kept is creating"),
        (THERE, group(NodeGroups=[{"PrimaryEndpoint": ENDPOINT}]), "is over: make health"),
        ("production none", {}, "no command here empties a group"),
        ("production none", GONE | {USERS: "UserGroupNotFound"}, "no user group physical-UserG"),
    ],
)
def test_what_cannot_be_restored_is_refused_and_nothing_changes(
    arguments: str, answers: Document, says: str, run: Run
) -> None:
    ended = run(Case(restore.main, arguments, "", answers))
    assert ended.status == 1
    assert re.search(says, ended.said), ended.said
    assert ended.changes == []


def test_a_refusal_of_aws_is_said_with_its_reason(run: Run) -> None:
    refused = {"elasticache:CreateReplicationGroup": "InvalidParameterValue"}
    ended = run(Case(restore.main, "production none", "", GONE | refused))
    assert ended.status == 1
    assert re.search("AWS did not make vibewell-redis.*InvalidParameterValue", ended.said)


@pytest.mark.plan("2.3", "4.2")
def test_every_property_of_the_deployed_group_is_given_again_and_its_user_group_too(
    run: Run,
) -> None:
    given = run(Case(restore.main, "production none", "", GONE, MAKES)).request(
        "elasticache:CreateReplicationGroup"
    )
    wanted = TEMPLATE["Resources"]["RedisGroup88ACAA33"]["Properties"]
    assert set(given) == set(wanted)
    assert given["KmsKeyId"] == "physical-Key961B73FD"
    assert given["SecurityGroupIds"] == ["physical-AccessSecurityGroupBEC1BC13"]
    assert given["UserGroupIds"] == ["physical-UserGroup56121C8F"]
    assert given["NumCacheClusters"] == 3
    for name in ("LogDeliveryConfigurations", "Tags"):
        assert given[name] == wanted[name]


def test_a_restore_interrupted_before_it_published_the_address_does_so_in_its_second_run(
    run: Run,
) -> None:
    for parameter in ({}, {"ssm:GetParameter": "ParameterNotFound"}):
        ended = run(Case(restore.main, THERE, "", PUBLISHED | parameter))
        assert "was there, and its address was not published" in ended.said
        assert ended.changes == ["ssm:PutParameter"]
        given = ended.request("ssm:PutParameter")
        assert (given["Name"], given["Value"]) == (PATH, "rediss://new.example.com:6379")


def test_with_replace_the_group_that_goes_is_not_published_first(run: Run) -> None:
    after = {"elasticache:DeleteReplicationGroup": GONE}
    after["elasticache:CreateReplicationGroup"] = {GROUPS: PUBLISHED[GROUPS]}
    ended = run(Case(restore.main, REPLACED, "", PUBLISHED, after))
    assert [name.partition(":")[2] for name in ended.changes] == [
        *("CopySnapshot", "DeleteReplicationGroup", "CreateReplicationGroup", "PutParameter")
    ]
    assert ended.request("elasticache:CopySnapshot")["KmsKeyId"] == "Key961B73FD"
    final = ended.request("elasticache:DeleteReplicationGroup")["FinalSnapshotIdentifier"]
    assert final.startswith(f"{ID}-before-")
    assert ended.request("elasticache:CreateReplicationGroup")["SnapshotName"] == "copy"


def test_a_group_that_is_being_made_is_waited_for(run: Run) -> None:
    states = [group(Status="creating")[GROUPS]] * 3 + [group()[GROUPS]]
    ended = run(Case(restore.main, THERE, "", {GROUPS: states}))
    assert "is being made already: this run waits for it" in ended.said
    assert (ended.status, ended.changes) == (0, [])


def test_what_a_durable_snapshot_demands_is_given_to_the_new_group(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "durability", lambda *_: {"ReplicasPerNodeGroup": 4})
    ended = run(Case(restore.main, THERE, "", GONE, MAKES))
    assert ended.request("elasticache:CreateReplicationGroup")["ReplicasPerNodeGroup"] == 4


DELETING, FAILED = (group(Status=status)[GROUPS] for status in ("deleting", "create-failed"))


@pytest.mark.parametrize(
    ("arguments", "snapshots", "groups", "made", "changes", "says"),
    [
        (  # the copy, the end of the old group and the new one are waited for
            REPLACED,
            [described(), described(SnapshotStatus="creating"), described()],
            [DELETING, GONE[GROUPS]],
            group(),
            "CopySnapshot DeleteReplicationGroup CreateReplicationGroup",
            "is available with 1 nodes",
        ),
        (
            REPLACED,
            [described(), described(SnapshotStatus="failed")],
            [],
            {},
            "CopySnapshot",
            "the copy copy failed. Nothing was deleted",
        ),
        (
            REPLACED,
            [described(SnapshotSource="manual"), described()],
            GONE[GROUPS],
            {GROUPS: FAILED},
            "DeleteReplicationGroup CreateReplicationGroup",
            "could not be made, it is create-failed",
        ),
        (  # begun again while the old group ends: its automatic snapshot ends with it
            THERE,
            [described(), "SnapshotNotFoundFault"],
            [],
            {},
            "",
            "there is no snapshot kept",
        ),
    ],
)
def test_nothing_is_deleted_or_made_before_what_it_needs_is_there(
    arguments: str,
    snapshots: list[Any],
    groups: Any,
    made: Document,
    changes: str,
    says: str,
    run: Run,
) -> None:
    first = {SNAPSHOTS: snapshots}
    if arguments == THERE:
        first[GROUPS] = [DELETING, DELETING, DELETING, GONE[GROUPS]]
    after = {"elasticache:DeleteReplicationGroup": {GROUPS: groups}}
    after["elasticache:CreateReplicationGroup"] = made
    ended = run(Case(restore.main, arguments, "", first, after))
    assert says in ended.said
    assert " ".join(name.partition(":")[2] for name in ended.changes) == changes
    asked = [name for name, _ in ended.called]
    assert asked.count(SNAPSHOTS) == len(snapshots)
    if arguments == THERE:  # four questions for the group, and then for its snapshot again
        assert asked.count(GROUPS) == 4
    elif groups == [DELETING, GONE[GROUPS]]:
        end = asked.index("elasticache:DeleteReplicationGroup")
        begin = asked.index("elasticache:CreateReplicationGroup")
        assert asked[:end].count(SNAPSHOTS) == 3
        assert asked[end:begin].count(GROUPS) == 2


def test_a_lost_group_whose_engine_aws_had_raised_comes_back_on_the_raised_version(
    rehearsed: Rehearsed, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rehearsed.with_users(ReplicationGroupId=ID, EngineVersion="6.2")
    rehearsed.connect(ID).set("key", "value")
    rehearsed.delete(ID, FinalSnapshotIdentifier="final")
    wanted = {
        "ReplicationGroupId": ID,
        "ReplicationGroupDescription": "of the tests",
        "KmsKeyId": "key",
        "Engine": "redis",
        "EngineVersion": "6.0",
        "CacheNodeType": "cache.t3.medium",
        "NumCacheClusters": 1,
        "TransitEncryptionEnabled": True,
        "UserGroupIds": ["clients"],
    }
    monkeypatch.setattr(restore, "BETWEEN_LOOKS", 0.1)
    restored = restore.restored(rehearsed.client, wanted, "final", "")
    assert restored["Status"] == "available"
    (node,) = rehearsed.client.describe_cache_clusters()["CacheClusters"]
    assert node["EngineVersion"] == "6.2.6"
    assert rehearsed.connect(ID).get("key") == "value"
    with pytest.raises(AuthenticationError):
        rehearsed.connect(ID, None).ping()
    assert 'write engine = "redis-6.2"' in capsys.readouterr().out
