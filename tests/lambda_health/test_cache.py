"""What ElastiCache says against what the template asks for: each difference, and none."""

import dataclasses
from typing import Any

import pytest

from health.cache import NOT_GIVEN, check_group, check_parameters
from tests.lambda_health.world import DESIRED, cluster, group, healthy, user

pytestmark = pytest.mark.plan("2.4")

BUSY = user(Status="modifying")


def failed(**answers: Any) -> dict[str, str]:
    lines = check_group(healthy(**answers), DESIRED)
    return {line.name: line.found for line in lines if not line.passed}


@pytest.mark.parametrize(
    ("changes", "answers", "line"),
    [
        ({}, {}, None),
        ({"Status": "snapshotting"}, {}, None),
        ({"Status": "modifying"}, {"user": BUSY}, None),
        ({"Status": "modifying"}, {"user_group": {"Status": "modifying"}}, None),
        ({"Status": "modifying"}, {}, "Status"),
        ({"Status": "deleting"}, {"user": BUSY}, "Status"),
        ({"MemberClusters": ["g-001"]}, {}, "nodes"),
        ({"KmsKeyId": "arn:aws:kms:us-east-1:1:key/other"}, {}, "KmsKeyId"),
        ({"KmsKeyId": None}, {}, "KmsKeyId"),
        *(({name: "other"}, {}, name) for name in DESIRED.group),
    ],
)
def test_a_group_that_differs_in_one_thing_fails_in_that_line_and_a_busy_one_in_none(
    changes: dict[str, Any], answers: dict[str, Any], line: str | None
) -> None:
    found = failed(group=group(**changes), **answers)
    assert found.keys() == ({f"group: {line}"} if line else set())


def parameters(name: str, status: str = "in-sync") -> dict[str, str]:
    return {"CacheParameterGroupName": name, "ParameterApplyStatus": status}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, "7.0.7") for name in DESIRED.node),
        ("CacheParameterGroup", parameters("default.redis6.x")),
        ("CacheParameterGroup", parameters("params", "pending-reboot")),
        ("CacheParameterGroup", {"ParameterApplyStatus": "in-sync"}),
    ],
)
def test_one_node_that_differs_is_named(name: str, value: Any) -> None:
    ((line, found),) = failed(nodes={"g-002": cluster(**{name: value})}).items()
    assert line == f"nodes: {name}"
    assert found.startswith("g-002: ")


def without(document: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key != name}


@pytest.mark.parametrize("name", ["Status", "KmsKeyId", *DESIRED.group])
def test_what_aws_leaves_out_of_the_group_fails_in_its_own_line(name: str) -> None:
    assert failed(group=without(group(), name)) == {f"group: {name}": NOT_GIVEN}


@pytest.mark.parametrize("name", ["CacheParameterGroup", *DESIRED.node])
def test_what_aws_leaves_out_of_a_node_fails_in_its_own_line(name: str) -> None:
    nodes = {"g-002": without(cluster(), name)}
    assert failed(nodes=nodes) == {f"nodes: {name}": f"g-002: {NOT_GIVEN}"}


def test_a_group_without_nodes_passes_in_none_of_their_lines() -> None:
    found = failed(group=group(MemberClusters=[]))
    assert found["group: nodes"] == "0"
    assert found["nodes: Engine"] == "no node"


@pytest.mark.parametrize("value", [{"ParameterValue": "600"}, {}])
def test_a_parameter_on_a_later_page_is_compared(value: dict[str, str]) -> None:
    assert [line.passed for line in check_parameters(healthy(), DESIRED)] == [True]
    (line,) = check_parameters(healthy(timeout=value), DESIRED)
    found = str(value.get("ParameterValue"))
    assert (line.passed, line.name, line.found) == (False, "parameter timeout", found)


def test_a_parameter_that_elasticache_does_not_list_fails() -> None:
    desired = dataclasses.replace(DESIRED, parameters={"unheard-of": "1"})
    assert [line.passed for line in check_parameters(healthy(), desired)] == [False]
