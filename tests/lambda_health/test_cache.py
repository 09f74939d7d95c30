"""What ElastiCache says against what the template asks for: each difference, and none."""

import dataclasses
from typing import Any

import pytest

from health.cache import NOT_GIVEN, check_group, check_parameters
from health.desired import Desired
from tests.lambda_health.world import DESIRED, Answers, cluster, group, user

pytestmark = pytest.mark.plan("2.4")

WINDOW, PARAMETERS = "nodes: PreferredMaintenanceWindow", "nodes: CacheParameterGroup"


def parameters(name: str, status: str = "in-sync") -> dict[str, str]:
    return {"CacheParameterGroupName": name, "ParameterApplyStatus": status}


def lines(client: Answers, desired: Desired = DESIRED) -> dict[str, bool]:
    return {line.name: line.passed for line in check_group(client, desired)}


def failed(client: Answers) -> set[str]:
    return {name for name, passed in lines(client).items() if not passed}


def test_a_group_as_it_was_asked_for_passes() -> None:
    assert failed(Answers()) == set()
    assert len(lines(Answers())) == 3 + len(DESIRED.group) + len(DESIRED.node) + 1


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"Status": "modifying"}, "group: Status"),
        ({"CacheNodeType": "cache.t3.small"}, "group: CacheNodeType"),
        ({"MultiAZ": "disabled"}, "group: MultiAZ"),
        ({"AutomaticFailover": "disabled"}, "group: AutomaticFailover"),
        ({"TransitEncryptionEnabled": False}, "group: TransitEncryptionEnabled"),
        ({"AtRestEncryptionEnabled": False}, "group: AtRestEncryptionEnabled"),
        ({"SnapshotRetentionLimit": 1}, "group: SnapshotRetentionLimit"),
        ({"KmsKeyId": "arn:aws:kms:us-east-1:1:key/other"}, "group: KmsKeyId"),
        ({"KmsKeyId": None}, "group: KmsKeyId"),
        ({"MemberClusters": ["g-001"]}, "group: nodes"),
    ],
)
def test_a_group_that_differs_in_one_thing_fails_in_that_line(
    change: dict[str, Any], line: str
) -> None:
    assert failed(Answers(group=group(**change))) == {line}


@pytest.mark.parametrize(
    ("status", "change"),
    [
        ("snapshotting", {}),
        ("modifying", {"user": user(Status="modifying")}),
        ("modifying", {"user_group": {"Status": "modifying"}}),
    ],
)
def test_a_nightly_backup_or_a_rotation_is_no_fault(status: str, change: dict[str, Any]) -> None:
    assert failed(Answers(group=group(Status=status), **change)) == set()


@pytest.mark.parametrize(
    "change",
    [
        {"Status": "modifying", "PendingModifiedValues": {"CacheNodeType": "cache.m6g.large"}},
        {"Status": "deleting"},
    ],
)
def test_any_other_state_is_a_fault(change: dict[str, Any]) -> None:
    busy = user(Status="modifying") if change["Status"] == "deleting" else None
    assert failed(Answers(group=group(**change), user=busy)) == {"group: Status"}


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"Engine": "valkey"}, "nodes: Engine"),
        ({"EngineVersion": "7.0.7"}, "nodes: EngineVersion"),
        ({"PreferredMaintenanceWindow": "mon:01:00-mon:02:00"}, WINDOW),
        ({"CacheParameterGroup": parameters("default.redis6.x")}, PARAMETERS),
        ({"CacheParameterGroup": parameters("params", "pending-reboot")}, PARAMETERS),
    ],
)
def test_one_node_that_differs_is_named(change: dict[str, Any], line: str) -> None:
    client = Answers(nodes={"g-002": cluster(**change)})
    (found,) = (one for one in check_group(client, DESIRED) if not one.passed)
    assert found.name == line
    assert found.found.startswith("g-002: ")


def without(document: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key != name}


OF_THE_GROUP = [("group", name) for name in ("Status", "KmsKeyId", *DESIRED.group)]
OF_A_NODE = [("nodes", name) for name in ("CacheParameterGroup", *DESIRED.node)]


@pytest.mark.parametrize(("of", "name"), OF_THE_GROUP + OF_A_NODE)
def test_what_aws_leaves_out_fails_in_its_own_line(of: str, name: str) -> None:
    given: Any = {"g-002": without(cluster(), name)} if of == "nodes" else without(group(), name)
    client = Answers(**{of: given})
    (line,) = (one for one in check_group(client, DESIRED) if not one.passed)
    told = f"g-002: {NOT_GIVEN}" if of == "nodes" else NOT_GIVEN
    assert (line.name, line.found) == (f"{of}: {name}", told)


def test_a_parameter_group_without_its_name_fails_in_its_own_line() -> None:
    nameless = cluster(CacheParameterGroup={"ParameterApplyStatus": "in-sync"})
    assert failed(Answers(nodes={"g-001": nameless})) == {"nodes: CacheParameterGroup"}


def test_a_group_without_nodes_passes_in_none_of_their_lines() -> None:
    assert {"group: nodes", "nodes: Engine"} <= failed(Answers(group=group(MemberClusters=[])))


@pytest.mark.parametrize("value", ["600", None])
def test_a_parameter_on_a_later_page_is_compared(value: str | None) -> None:
    assert all(line.passed for line in check_parameters(Answers(), DESIRED))
    (found,) = (
        line for line in check_parameters(Answers(timeout=value), DESIRED) if not line.passed
    )
    assert (found.name, found.found, found.wanted) == ("parameter timeout", str(value), "300")


def test_a_parameter_that_elasticache_does_not_list_fails() -> None:
    desired = dataclasses.replace(DESIRED, parameters={"unheard-of": "1"})
    assert [line.passed for line in check_parameters(Answers(), desired)] == [False]
