"""Each row of the table in emulator/README.md, "What is refused, and its source", by its name."""

import re
from collections.abc import Callable
from pathlib import Path
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


def call(name: str, **fields: Any) -> Call:
    return lambda client: getattr(client, name)(**fields)


def create(**fields: Any) -> Call:
    return call("create_replication_group", **group_of(**fields))


def modify(**fields: Any) -> Call:
    return call("modify_replication_group", **(AT_ONCE | fields))


def reshard(shards: int) -> Call:
    name = "modify_replication_group_shard_configuration"
    return call(name, **AT_ONCE, NodeGroupCount=shards)


def failover() -> Call:
    return call("test_failover", ReplicationGroupId="redis", NodeGroupId="0001")


def save(name: str, node: str = "redis-001") -> Call:
    return call("create_snapshot", CacheClusterId=node, SnapshotName=name)


def family(name: str, of: str) -> Call:
    fields = {"CacheParameterGroupName": name, "CacheParameterGroupFamily": of}
    return call("create_cache_parameter_group", **fields, Description="d")


def subnets(*ids: str) -> Call:
    fields = {"CacheSubnetGroupName": "subnets", "CacheSubnetGroupDescription": "d"}
    return call("create_cache_subnet_group", **fields, SubnetIds=list(ids))


def set_parameter(name: str, value: str, times: int = 1) -> Call:
    values = [{"ParameterName": name, "ParameterValue": value}] * times
    fields = {"CacheParameterGroupName": "params", "ParameterNameValues": values}
    return call("modify_cache_parameter_group", **fields)


def user(**fields: Any) -> Call:
    given = {name: value for name, value in (USER | fields).items() if value is not None}
    return call("create_user", **given)


def change_user(name: str, *passwords: str) -> Call:
    return call("modify_user", UserId=name, Passwords=list(passwords))


def users(*names: str, group: str = "new") -> Call:
    return call("create_user_group", UserGroupId=group, Engine="redis", UserIds=list(names))


def with_users(**fields: Any) -> Call:
    """A creation with the user group of `surrounded` and no token."""
    return create(**({"AuthToken": None, "UserGroupIds": ["clients"]} | fields))


USER = {
    "UserId": "new",
    "UserName": "new",
    "Engine": "redis",
    "AccessString": "on ~* +@all",
    "Passwords": [TOKEN],
}
AT_ONCE = {"ReplicationGroupId": "redis", "ApplyImmediately": True}
NO_TLS = {"TransitEncryptionEnabled": False}
PAIR = {"NumCacheClusters": 2, "AutomaticFailoverEnabled": True}
ONE_ZONE = {"MultiAZEnabled": True, "PreferredCacheClusterAZs": ["us-east-1a", "us-east-1a"]}
VALKEY_9 = {"Engine": "valkey", "EngineVersion": "9.0"}
VALKEY_9_SHARDED = SHARDED | VALKEY_9 | {"CacheParameterGroupName": "default.valkey9.cluster.on"}
ONE_DESTINATION = [log("slow-log", "/logs"), log("engine-log", "/logs")]
OF_PARAMS = {"CacheParameterGroupName": "params"}
OF_SUBNETS = {"CacheSubnetGroupName": "subnets"}
UPDATE = {"ServiceUpdateName": "none", "ReplicationGroupIds": ["redis"]}

# By row.
BEFORE_CREATION: dict[str, Call] = {
    "token-too-short": create(AuthToken="a" * 15),
    "token-too-long": create(AuthToken="a" * 129),
    "token-alphabet": create(AuthToken=TOKEN + "@"),
    "token-without-tls": create(**NO_TLS),
    "failover-one-node": create(AutomaticFailoverEnabled=True),
    "cluster-mode-without-failover": create(NumNodeGroups=2),
    "durability": create(**VALKEY_9_SHARDED, Durability="sync"),
    "multi-az-without-failover": create(NumCacheClusters=2, MultiAZEnabled=True),
    "multi-az-without-replica": create(**SHARDED, MultiAZEnabled=True),
    "multi-az-one-zone": create(**PAIR, **ONE_ZONE),
    "too-many-nodes": create(NumCacheClusters=7),
    "too-many-replicas": create(NumNodeGroups=1, ReplicasPerNodeGroup=6),
    "nodes-and-shards": call("create_replication_group", **GROUP, NumNodeGroups=2),
    "shards-without-cluster-mode": create(
        **(SHARDED | {"CacheParameterGroupName": "default.redis6.x"})
    ),
    "group-id": create(ReplicationGroupId="redis--1"),
    "node-type": create(CacheNodeType="cache.t3.medum"),
    "engine": create(Engine="reddis"),
    "engine-version": create(EngineVersion="6.3"),
    "family": create(CacheParameterGroupName="default.redis7"),
    "parameter-group-unknown": create(CacheParameterGroupName="none"),
    "subnet-group-unknown": create(CacheSubnetGroupName="none"),
    "snapshot-unknown": create(SnapshotName="none"),
    "snapshot-window-short": create(SnapshotWindow="02:00-02:30"),
    "snapshot-window-form": create(SnapshotWindow="2-3"),
    "maintenance-window-short": create(PreferredMaintenanceWindow="sun:03:00-sun:03:30"),
    "maintenance-window-form": create(PreferredMaintenanceWindow="sunday:03:00-04:00"),
    "windows-overlap": create(SnapshotWindow="02:30-03:30"),
    "windows-overlap-across-the-week": create(
        SnapshotWindow="00:30-01:30", PreferredMaintenanceWindow="sun:23:00-mon:01:00"
    ),
    "windows-overlap-across-midnight": create(
        SnapshotWindow="23:30-00:30", PreferredMaintenanceWindow="wed:00:00-wed:01:00"
    ),
    "retention": create(SnapshotRetentionLimit=36),
    "logs-same-destination": create(LogDeliveryConfigurations=ONE_DESTINATION),
    "parameter-family-unknown": family("new", "redis7.2"),
    "parameter-unknown": set_parameter("tcp-keep-alive", "60"),
    "parameter-fixed": set_parameter("appendonly", "yes"),
    "parameter-value": set_parameter("timeout", "10"),
    "parameters-per-call": set_parameter("timeout", "300", times=21),
    "parameter-group-exists": family("params", "redis7"),
    "subnet-group-exists": subnets("subnet-1"),
    "group-unknown": modify(ReplicationGroupId="none"),
    "member-unknown": call("describe_cache_clusters", CacheClusterId="none-001"),
    "service-update-unknown": call("batch_apply_update_action", **UPDATE),
    "user-exists": user(UserId="Clients-Default"),
    "user-unknown": call("describe_users", UserId="none"),
    "user-id": user(UserId="clients--1"),
    "user-engine": user(Engine="memcached"),
    "user-password-short": user(Passwords=["a" * 15]),
    "user-password-long": change_user("clients-default", "a" * 129),
    "user-password-alphabet": user(Passwords=[f"{TOKEN}@"]),
    "user-passwords": change_user("clients-default", *(f"{TOKEN}{number}" for number in "123")),
    "user-without-password": user(Passwords=None),
    "user-default-kept": change_user("default", TOKEN),
    "user-default-in-group": call("delete_user", UserId="clients-default"),
    "access-string-password": user(AccessString=f"on >{TOKEN} ~* +@all"),
    "access-string-command": user(AccessString="on ~* +@all -config"),
    "access-string-rule": user(AccessString="on ~* +@al"),
    "user-group-exists": users("clients-default", group="Clients"),
    "user-group-unknown": with_users(UserGroupIds=["none"]),
    "user-group-without-default": users("other"),
    "user-name-twice": call("modify_user_group", UserGroupId="clients", UserIdsToAdd=["default"]),
    "user-group-without-tls": with_users(**NO_TLS),
    "user-group-version": with_users(EngineVersion="5.0.6"),
    "user-group-and-token": with_users(AuthToken=TOKEN),
    "arn": call("list_tags_for_resource", ResourceName="arn:aws:rds:us-east-1:1:db:x"),
}

# By row: a call, and how the group differs that exists before.
ON_A_GROUP: dict[str, tuple[Call, dict[str, Any]]] = {
    "user-group-on-a-token": (modify(UserGroupIdsToAdd=["clients"]), {}),
    "group-exists": (create(), {}),
    "modify-failover-one-node": (modify(AutomaticFailoverEnabled=True), {}),
    "modify-windows-overlap": (modify(SnapshotWindow="03:00-04:00"), {}),
    "downgrade": (modify(EngineVersion="6.0"), {}),
    "test-failover-disabled": (failover(), {"NumCacheClusters": 2}),
    "last-replica": (call("decrease_replica_count", **AT_ONCE, NewReplicaCount=0), PAIR),
    "replicas-above-five": (call("increase_replica_count", **AT_ONCE, NewReplicaCount=6), {}),
    "reshard-without-cluster-mode": (reshard(2), {}),
    "parameter-group-in-use": (call("delete_cache_parameter_group", **OF_PARAMS), OF_PARAMS),
    "cluster-enabled-in-use": (set_parameter("cluster-enabled", "yes"), OF_PARAMS),
    "subnet-group-in-use": (call("delete_cache_subnet_group", **OF_SUBNETS), OF_SUBNETS),
    "snapshot-of-a-whole-group": (
        call("create_snapshot", ReplicationGroupId="redis", SnapshotName="whole"),
        {},
    ),
    "snapshot-name": (save("-bad"), {}),
}


def table() -> dict[str, tuple[str, str, str]]:
    """By row of the table in emulator/README.md: code and words of the answer, and the source."""
    section = (ROOT / "emulator" / "README.md").read_text().split("## What is refused")[1]
    row = r"^\| `([a-z0-9-]+)` \|.*\| (\w+) \| ([^|]*) \| ([^|]*) \|$"
    rows = re.findall(row, section.split("\n## ")[0], re.M)
    return {name: (code, words, source) for name, code, words, source in rows}


def expect(call: Call, code: str, words: str, rehearsed: Rehearsed) -> None:
    with pytest.raises(ClientError) as error:
        call(rehearsed.client)
    answer = error.value.response["Error"]
    assert answer["Code"] == code
    assert words in answer["Message"]


def expect_row(row: str, call: Call, rehearsed: Rehearsed) -> None:
    code, words, _ = table()[row]
    expect(call, code, words, rehearsed)


@pytest.fixture(scope="module")
def surrounded(shared: Rehearsed) -> Rehearsed:
    """A service with a parameter group and a subnet group, and no replication group."""
    family("params", "redis6.x")(shared.client)
    subnets("subnet-1", "subnet-2")(shared.client)
    user(UserId="clients-default", UserName="default")(shared.client)
    user(UserId="other", UserName="other")(shared.client)
    users("clients-default", group="clients")(shared.client)
    return shared


@pytest.mark.parametrize("row", BEFORE_CREATION)
def test_a_call_is_refused_as_the_table_says(row: str, surrounded: Rehearsed) -> None:
    expect_row(row, BEFORE_CREATION[row], surrounded)
    assert surrounded.client.describe_replication_groups()["ReplicationGroups"] == []


@pytest.mark.parametrize("row", ON_A_GROUP)
def test_a_call_on_a_group_is_refused_and_changes_nothing(row: str, surrounded: Rehearsed) -> None:
    refused, group = ON_A_GROUP[row]
    before = surrounded.create(**group)
    expect_row(row, refused, surrounded)
    assert surrounded.describe() == before
    assert surrounded.logs_in(TOKEN)
    surrounded.delete()


def test_every_row_of_the_table_has_a_test_words_and_a_source() -> None:
    own_tests = re.findall(r'expect_row\("([a-z-]+)"', Path(__file__).read_text())
    assert list(table()) == sorted({*BEFORE_CREATION, *ON_A_GROUP, *own_tests})
    assert all(words.strip() and source.strip() for _, words, source in table().values())


def test_while_a_group_is_busy_every_other_operation_is_refused(start: Start) -> None:
    rehearsed = start(promises=Promises(seconds=5.0))
    rehearsed.client.create_replication_group(**GROUP)
    tags = call("list_tags_for_resource", ResourceName=rehearsed.describe()["ARN"])
    # The nodes run already: what refuses the calls is the status.
    until(lambda: bool(rehearsed.describe().get("MemberClusters")), 120, "nodes")
    more = call("increase_replica_count", **AT_ONCE, NewReplicaCount=1)
    for refused in (modify(ReplicationGroupDescription="new"), failover(), more):
        expect_row("busy", refused, rehearsed)
    code = table()["busy"][0]
    delete = call("delete_replication_group", ReplicationGroupId="redis")
    expect(delete, code, "has status creating", rehearsed)
    expect(save("s"), code, "not in available state", rehearsed)
    expect_row("busy-tagging", tags, rehearsed)
    rehearsed.wait()


def test_in_cluster_mode_failover_stays_shards_are_saved_together_and_go_by_name(
    rehearsed: Rehearsed,
) -> None:
    rehearsed.create(**SHARDED)
    off = modify(AutomaticFailoverEnabled=False)
    expect_row("failover-off-in-cluster-mode", off, rehearsed)
    expect_row("snapshot-of-a-shard", save("one", "redis-0001-001"), rehearsed)
    expect_row("reshard-fewer-unnamed", reshard(1), rehearsed)
    expect(reshard(2), "NotRehearsed", "spread again", rehearsed)
    assert len(rehearsed.describe()["NodeGroups"]) == 2


def test_a_snapshots_name_is_taken_and_it_is_not_restored_to_an_older_engine(
    rehearsed: Rehearsed,
) -> None:
    rehearsed.create()
    rehearsed.save("same")
    older = create(ReplicationGroupId="older", SnapshotName="same", EngineVersion="6.0")
    expect_row("restore-older", older, rehearsed)
    final = {"ReplicationGroupId": "redis", "FinalSnapshotIdentifier": "same"}
    for refused in (save("same"), call("delete_replication_group", **final)):
        expect_row("snapshot-exists", refused, rehearsed)
    assert rehearsed.describe()["Status"] == "available"


def test_the_twenty_first_manual_snapshot_within_a_day_is_refused(rehearsed: Rehearsed) -> None:
    rehearsed.create()
    for number in range(20):
        rehearsed.save(f"number-{number}")
    expect_row("snapshots-a-day", save("last"), rehearsed)


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
    change = change_user("clients-default", TOKEN)
    change(rehearsed.client)
    expect_row("user-busy", change, rehearsed)
    swap = call("modify_user_group", UserGroupId="clients", UserIdsToAdd=["default"])
    expect_row("user-group-busy", swap, rehearsed)
    rehearsed.wait()


def test_a_user_group_of_a_replication_group_stays_and_takes_the_place_of_a_token(
    rehearsed: Rehearsed,
) -> None:
    rehearsed.with_users()
    expect_row("user-group-in-use", call("delete_user_group", UserGroupId="clients"), rehearsed)
    token = modify(AuthToken=TOKEN, AuthTokenUpdateStrategy="SET")
    expect_row("token-on-a-user-group", token, rehearsed)
