"""Each row of the table in emulator/README.md, "What is refused, and its source", by its name."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from emulator.elasticache.state import Promises
from emulator.engines import ROOT
from emulator.nodes.waiting import until
from tests.emulator.elasticache.conftest import (
    GROUP,
    SHARDED,
    TOKEN,
    Rehearsed,
    Start,
    group_of,
    log,
)

Call = Callable[[Any], object]


def create(**fields: Any) -> Call:
    return call("create_replication_group", **group_of(**fields))


def shards(**fields: Any) -> Call:
    """A creation that counts shards and replicas instead of nodes."""
    return create(NumCacheClusters=None, **fields)


def modify(**fields: Any) -> Call:
    return call("modify_replication_group", **(AT_ONCE | fields))


def reshard(**fields: Any) -> Call:
    return call("modify_replication_group_shard_configuration", **(AT_ONCE | fields))


def failover(shard: str = "0001") -> Call:
    return call("test_failover", ReplicationGroupId="redis", NodeGroupId=shard)


def save(name: str, node: str = "redis-001") -> Call:
    return call("create_snapshot", CacheClusterId=node, SnapshotName=name)


def family(name: str, of: str) -> Call:
    return call(
        "create_cache_parameter_group",
        CacheParameterGroupName=name,
        CacheParameterGroupFamily=of,
        Description="d",
    )


def subnets(*ids: str) -> Call:
    return call(
        "create_cache_subnet_group",
        CacheSubnetGroupName="subnets",
        CacheSubnetGroupDescription="d",
        SubnetIds=list(ids),
    )


def set_parameters(group: str, *pairs: tuple[str, str]) -> Call:
    values = [{"ParameterName": name, "ParameterValue": value} for name, value in pairs]
    return lambda client: client.modify_cache_parameter_group(
        CacheParameterGroupName=group, ParameterNameValues=values
    )


USER = {
    "UserId": "new",
    "UserName": "new",
    "Engine": "redis",
    "AccessString": "on ~* +@all",
    "Passwords": [TOKEN],
}


def user(**fields: Any) -> Call:
    given = {name: value for name, value in (USER | fields).items() if value is not None}
    return lambda client: client.create_user(**given)


def call(name: str, **fields: Any) -> Call:
    return lambda client: getattr(client, name)(**fields)


def users(*names: str, group: str = "new") -> Call:
    return call("create_user_group", UserGroupId=group, Engine="redis", UserIds=list(names))


def with_users(**fields: Any) -> Call:
    """A creation with the user group of `surrounded` and no token."""
    return create(**({"AuthToken": None, "UserGroupIds": ["clients"]} | fields))


AT_ONCE = {"ReplicationGroupId": "redis", "ApplyImmediately": True}
NO_TLS = {"TransitEncryptionEnabled": False}
PAIR = {"NumCacheClusters": 2, "AutomaticFailoverEnabled": True}
COMBINATION = "InvalidParameterCombination"

# By row: a call, and words of its answer.
BEFORE_CREATION: dict[str, tuple[Call, str]] = {
    "token-too-short": (create(AuthToken="a" * 15), "Invalid AuthToken provided"),
    "token-too-long": (create(AuthToken="a" * 129), "Invalid AuthToken provided"),
    "token-alphabet": (create(AuthToken=TOKEN + "@"), "Invalid AuthToken provided"),
    "token-without-tls": (create(**NO_TLS), "only supported when encryption-in-transit is enabled"),
    "failover-one-node": (create(AutomaticFailoverEnabled=True), "at least 2 cache clusters"),
    "cluster-mode-without-failover": (shards(NumNodeGroups=2), "with auto failover turned off"),
    "durability": (
        shards(
            Engine="valkey",
            EngineVersion="9.0",
            CacheParameterGroupName="default.valkey9.cluster.on",
            NumNodeGroups=1,
            ReplicasPerNodeGroup=0,
            AutomaticFailoverEnabled=True,
            Durability="sync",
        ),
        "a replica in each node group",
    ),
    "multi-az-without-failover": (
        create(NumCacheClusters=2, MultiAZEnabled=True),
        "requires automatic failover",
    ),
    "multi-az-without-replica": (
        shards(NumNodeGroups=2, AutomaticFailoverEnabled=True, MultiAZEnabled=True),
        "at least one replica",
    ),
    "multi-az-one-zone": (
        create(**PAIR, MultiAZEnabled=True, PreferredCacheClusterAZs=["us-east-1a", "us-east-1a"]),
        "at least two availability zones",
    ),
    "too-many-nodes": (create(NumCacheClusters=7), "between 1 and 6"),
    "too-many-replicas": (
        shards(ReplicasPerNodeGroup=6),
        "replicas per node group must be between 0 and 5",
    ),
    "nodes-and-shards": (create(NumCacheClusters=1, NumNodeGroups=2), "cannot be combined"),
    "shards-without-cluster-mode": (
        shards(
            NumNodeGroups=2,
            AutomaticFailoverEnabled=True,
            CacheParameterGroupName="default.redis6.x",
        ),
        "cluster-enabled",
    ),
    "group-id": (create(ReplicationGroupId="redis--1"), "ReplicationGroupId"),
    "node-type": (create(CacheNodeType="cache.t3.medum"), "Invalid Cache Node Type"),
    "engine": (create(Engine="reddis"), "Invalid engine"),
    "engine-version": (create(EngineVersion="6.3"), "Cannot find version 6.3"),
    "family": (
        create(CacheParameterGroupName="default.redis7"),
        "Expected a parameter group of family redis6.x but found one of family redis7",
    ),
    "parameter-group-unknown": (create(CacheParameterGroupName="none"), ""),
    "subnet-group-unknown": (create(CacheSubnetGroupName="none"), ""),
    "snapshot-unknown": (create(SnapshotName="none"), ""),
    "snapshot-window-short": (
        create(SnapshotWindow="02:00-02:30"),
        "Snapshot window must be at least 60 minutes",
    ),
    "snapshot-window-form": (create(SnapshotWindow="2-3"), "snapshot window format"),
    "maintenance-window-short": (
        create(PreferredMaintenanceWindow="sun:03:00-sun:03:30"),
        "at least 60 minutes",
    ),
    "maintenance-window-form": (
        create(PreferredMaintenanceWindow="sunday:03:00-04:00"),
        "maintenance window format",
    ),
    "windows-overlap": (
        create(SnapshotWindow="02:30-03:30"),
        "The snapshot window and maintenance window must not overlap",
    ),
    "windows-overlap-across-the-week": (
        create(SnapshotWindow="00:30-01:30", PreferredMaintenanceWindow="sun:23:00-mon:01:00"),
        "must not overlap",
    ),
    "windows-overlap-across-midnight": (
        create(SnapshotWindow="23:30-00:30", PreferredMaintenanceWindow="wed:00:00-wed:01:00"),
        "must not overlap",
    ),
    "retention": (create(SnapshotRetentionLimit=36), "between 0 and 35"),
    "logs-same-destination": (
        create(LogDeliveryConfigurations=[log("slow-log", "/logs"), log("engine-log", "/logs")]),
        "same destination",
    ),
    "parameter-family-unknown": (
        family("new", "redis7.2"),
        "redis7.2 is not a valid parameter group family",
    ),
    "parameter-unknown": (
        set_parameters("params", ("tcp-keep-alive", "60")),
        "Could not find parameter",
    ),
    "parameter-fixed": (
        set_parameters("params", ("appendonly", "yes")),
        "The parameter appendonly cannot be modified",
    ),
    "parameter-value": (
        set_parameters("params", ("timeout", "10")),
        "not valid for the parameter timeout",
    ),
    "parameters-per-call": (
        set_parameters("params", *[("timeout", "300")] * 21),
        "Between 1 and 20",
    ),
    "parameter-group-exists": (family("params", "redis7"), ""),
    "subnet-group-exists": (subnets("subnet-1"), ""),
    "group-unknown": (modify(ReplicationGroupId="none"), ""),
    "member-unknown": (call("describe_cache_clusters", CacheClusterId="none-001"), ""),
    "service-update-unknown": (
        call("batch_apply_update_action", ServiceUpdateName="none", ReplicationGroupIds=["redis"]),
        "",
    ),
    "user-exists": (user(UserId="Clients-Default"), "already exists"),
    "user-unknown": (call("describe_users", UserId="none"), ""),
    "user-id": (user(UserId="clients--1"), "single hyphens"),
    "user-engine": (user(Engine="memcached"), "Unsupported engine"),
    "user-password-short": (
        user(Passwords=["a" * 15]),
        "Passwords length must be between 16-128 characters.",
    ),
    "user-password-long": (
        call("modify_user", UserId="clients-default", Passwords=["a" * 129]),
        "Passwords length must be between 16-128 characters.",
    ),
    "user-password-alphabet": (user(Passwords=[f"{TOKEN}@"]), "printable"),
    "user-passwords": (
        call("modify_user", UserId="clients-default", Passwords=[f"{TOKEN}{n}" for n in (1, 2, 3)]),
        "at most 2 passwords",
    ),
    "user-without-password": (user(Passwords=None), "No password was provided"),
    "user-default-kept": (
        call("modify_user", UserId="default", Passwords=[TOKEN]),
        "cannot be modified",
    ),
    "user-default-in-group": (
        call("delete_user", UserId="clients-default"),
        "as a default user and can't be deleted",
    ),
    "access-string-password": (user(AccessString=f"on >{TOKEN} ~* +@all"), "must not contain"),
    "access-string-command": (
        user(AccessString="on ~* +@all -config"),
        "must not contain '-config'",
    ),
    "access-string-rule": (user(AccessString="on ~* +@al"), "Invalid access string"),
    "user-group-exists": (users("clients-default", group="Clients"), "already exists"),
    "user-group-unknown": (with_users(UserGroupIds=["none"]), ""),
    "user-group-without-default": (users("other"), "a user with the user name default"),
    "user-name-twice": (
        call("modify_user_group", UserGroupId="clients", UserIdsToAdd=["default"]),
        "",
    ),
    "user-group-without-tls": (
        with_users(**NO_TLS),
        "requires encryption-in-transit to be enabled",
    ),
    "user-group-version": (
        with_users(EngineVersion="5.0.6"),
        "not supported for engine version 5.0.6",
    ),
    "user-group-and-token": (with_users(AuthToken=TOKEN), "with a user group already associated"),
    "arn": (call("list_tags_for_resource", ResourceName="arn:aws:rds:us-east-1:1:db:x"), ""),
}

# By row: a call, words of its answer, and how the group differs that exists before.
ON_A_GROUP: dict[str, tuple[Call, str, dict[str, Any]]] = {
    "user-group-on-a-token": (
        modify(UserGroupIdsToAdd=["clients"]),
        "User group can't be associated with auth token enabled",
        {},
    ),
    "group-exists": (create(), "", {}),
    "modify-failover-one-node": (
        modify(AutomaticFailoverEnabled=True),
        "at least 2 cache clusters",
        {},
    ),
    "modify-windows-overlap": (modify(SnapshotWindow="03:00-04:00"), "must not overlap", {}),
    "downgrade": (modify(EngineVersion="6.0"), "cannot be downgraded", {}),
    "test-failover-disabled": (failover(), "requires automatic failover", {"NumCacheClusters": 2}),
    "last-replica": (
        call("decrease_replica_count", **AT_ONCE, NewReplicaCount=0),
        "at least 1 replica when cluster mode is disabled with auto failover enabled",
        PAIR,
    ),
    "replicas-above-five": (
        call("increase_replica_count", **AT_ONCE, NewReplicaCount=6),
        "between 0 and 5",
        {},
    ),
    "reshard-without-cluster-mode": (reshard(NodeGroupCount=2), "not cluster mode enabled", {}),
    "parameter-group-in-use": (
        call("delete_cache_parameter_group", CacheParameterGroupName="params"),
        "still members of this parameter group params, so the group cannot be deleted",
        {"CacheParameterGroupName": "params"},
    ),
    "cluster-enabled-in-use": (
        set_parameters("params", ("cluster-enabled", "yes")),
        "The parameter cluster-enabled cannot be modified",
        {"CacheParameterGroupName": "params"},
    ),
    "subnet-group-in-use": (
        call("delete_cache_subnet_group", CacheSubnetGroupName="subnets"),
        "",
        {"CacheSubnetGroupName": "subnets"},
    ),
    "snapshot-of-a-whole-group": (
        call("create_snapshot", ReplicationGroupId="redis", SnapshotName="whole"),
        "cluster mode disabled",
        {},
    ),
    "snapshot-name": (save("-bad"), "snapshot name", {}),
}

# These have tests of their own, at the end of this file.
OWN_TESTS = {
    "user-busy",
    "user-group-busy",
    "user-group-in-use",
    "token-on-a-user-group",
    "busy",
    "busy-tagging",
    "failover-off-in-cluster-mode",
    "reshard-fewer-unnamed",
    "restore-older",
    "snapshot-exists",
    "snapshot-of-a-shard",
    "snapshots-a-day",
}


def table() -> dict[str, tuple[str, str]]:
    """By row of the table in emulator/README.md: the code of the answer, and the source."""
    section = (ROOT / "emulator" / "README.md").read_text().split("## What is refused")[1]
    row = r"^\| `([a-z0-9-]+)` \|.*\| (\w+) \| ([^|]+) \|$"
    rows = re.findall(row, section.split("\n## ")[0], re.M)
    return {name: (code, source) for name, code, source in rows}


def expect(call: Call, code: str, words: str, rehearsed: Rehearsed) -> None:
    with pytest.raises(ClientError) as error:
        call(rehearsed.client)
    answer = error.value.response["Error"]
    assert answer["Code"] == code
    assert words in answer["Message"]


@pytest.fixture(scope="module")
def surrounded(shared: Rehearsed) -> Rehearsed:
    """A service with a parameter group and a subnet group, and no replication group."""
    family("params", "redis6.x")(shared.client)
    subnets("subnet-1", "subnet-2")(shared.client)
    for name in ("default", "other"):
        user_id = "clients-default" if name == "default" else name
        user(UserId=user_id, UserName=name)(shared.client)
    users("clients-default", group="clients")(shared.client)
    return shared


@pytest.mark.parametrize("row", BEFORE_CREATION)
def test_a_call_is_refused_as_the_table_says(row: str, surrounded: Rehearsed) -> None:
    refused, words = BEFORE_CREATION[row]
    expect(refused, table()[row][0], words, surrounded)
    assert surrounded.client.describe_replication_groups()["ReplicationGroups"] == []


@pytest.mark.parametrize("row", ON_A_GROUP)
def test_a_call_on_a_group_is_refused_and_changes_nothing(row: str, surrounded: Rehearsed) -> None:
    refused, words, group = ON_A_GROUP[row]
    before = surrounded.create(**group)
    expect(refused, table()[row][0], words, surrounded)
    assert surrounded.describe() == before
    assert surrounded.logs_in(TOKEN)
    surrounded.delete()


def test_every_row_of_the_table_has_a_test_and_a_source() -> None:
    assert list(table()) == sorted({*BEFORE_CREATION, *ON_A_GROUP, *OWN_TESTS})
    assert all(source.strip() for _, source in table().values())


def test_while_a_group_is_busy_every_other_operation_is_refused(start: Start) -> None:
    rehearsed = start(promises=Promises(seconds=5.0))
    rehearsed.client.create_replication_group(**GROUP)
    arn = rehearsed.describe()["ARN"]
    # The nodes run already: what refuses the calls is the status.
    until(lambda: bool(rehearsed.describe().get("MemberClusters")), 120, "nodes")
    busy, words = "InvalidReplicationGroupState", "must be in available state"
    for refused, said in (
        (modify(ReplicationGroupDescription="new"), words),
        (call("delete_replication_group", ReplicationGroupId="redis"), "creating"),
        (save("s"), "not in available state"),
        (failover(), words),
        (call("increase_replica_count", **AT_ONCE, NewReplicaCount=1), words),
        (
            call("list_tags_for_resource", ResourceName=arn),
            "Cluster not in available state to perform tagging operations",
        ),
    ):
        expect(refused, busy, said, rehearsed)
    rehearsed.wait()


def test_in_cluster_mode_failover_stays_shards_are_saved_together_and_go_by_name(
    rehearsed: Rehearsed,
) -> None:
    rehearsed.create(**SHARDED)
    words = "Turning off automatic failover for replication group with cluster mode enabled"
    for refused, code, said in (
        (modify(AutomaticFailoverEnabled=False), COMBINATION, words),
        (save("one", "redis-0001-001"), COMBINATION, "cluster mode enabled"),
        (reshard(NodeGroupCount=1), COMBINATION, "NodeGroupsToRetain must be given"),
        (reshard(NodeGroupCount=2), "NotRehearsed", "spread again"),
    ):
        expect(refused, code, said, rehearsed)
    assert len(rehearsed.describe()["NodeGroups"]) == 2


def test_a_snapshot_is_not_restored_to_an_older_engine(rehearsed: Rehearsed) -> None:
    rehearsed.create()
    rehearsed.save("newer")
    older = create(ReplicationGroupId="older", SnapshotName="newer", EngineVersion="6.0")
    expect(older, COMBINATION, "older than the version of the snapshot", rehearsed)


def test_a_snapshots_name_is_taken_until_it_is_deleted(rehearsed: Rehearsed) -> None:
    rehearsed.create()
    rehearsed.save("same")
    final = {"ReplicationGroupId": "redis", "FinalSnapshotIdentifier": "same"}
    for refused in (save("same"), call("delete_replication_group", **final)):
        expect(refused, "SnapshotAlreadyExistsFault", "", rehearsed)
    assert rehearsed.describe()["Status"] == "available"


def test_the_twenty_first_manual_snapshot_within_a_day_is_refused(rehearsed: Rehearsed) -> None:
    rehearsed.create()
    for number in range(20):
        rehearsed.save(f"number-{number}")
    expect(save("last"), "SnapshotQuotaExceededFault", "", rehearsed)


def test_what_the_rehearsal_cannot_do_is_refused_as_its_own_limit(rehearsed: Rehearsed) -> None:
    rehearsed.create()
    for limit, words in (
        (create(EngineVersion="7.1", ReplicationGroupId="other"), "run redis 7.1, of which no"),
        (modify(AuthToken=TOKEN, AuthTokenUpdateStrategy="ROTATE"), "with AuthToken"),
        (call("describe_reserved_cache_nodes"), "DescribeReservedCacheNodes"),
        (user(Passwords=None, AuthenticationMode={"Type": "iam"}), "with AuthenticationMode"),
    ):
        expect(limit, "NotRehearsed", words, rehearsed)


def test_while_users_change_nothing_of_theirs_is_changed_again(start: Start) -> None:
    promises = Promises()
    rehearsed = start(promises=promises)
    rehearsed.with_users()
    promises.seconds = 3.0
    change = call("modify_user", UserId="clients-default", Passwords=[TOKEN])
    change(rehearsed.client)
    busy = "has status modifying. Only active"
    expect(change, "InvalidUserState", f"{busy} users can be modified", rehearsed)
    swap = call("modify_user_group", UserGroupId="clients", UserIdsToAdd=["default"])
    expect(swap, "InvalidUserGroupState", f"{busy} user groups", rehearsed)
    rehearsed.wait()


def test_a_user_group_of_a_replication_group_stays_and_takes_the_place_of_a_token(
    rehearsed: Rehearsed,
) -> None:
    rehearsed.with_users()
    delete = call("delete_user_group", UserGroupId="clients")
    expect(delete, "InvalidUserGroupState", "is associated with", rehearsed)
    token = modify(AuthToken=TOKEN, AuthTokenUpdateStrategy="SET")
    expect(token, COMBINATION, "Pass RemoveUserGroups to proceed", rehearsed)
