"""Drift as CloudFormation tells it becomes lines; what it could not read is never healthy."""

import itertools
from typing import Any

import pytest

from reviews.configuration.drift import (
    AT_ONCE,
    LONGEST_SECONDS,
    PAUSE_SECONDS,
    Resource,
    Stacks,
    check_drift,
    patience,
    read_stacks,
)
from shared.errors import AwsRefusedError, NotYetError
from shared.line import Line
from tests.support import Answering, Refusing, pages_of_one

GROUP = "AWS::ElastiCache::ReplicationGroup"


def made(logical_id: str, kind: str = GROUP, physical_id: str = "g") -> Resource:
    return Resource("p-data", logical_id, kind, physical_id, {})


def cloudformation(*drifts: dict[str, Any], busy: int = 0, failed: str = "") -> Answering:
    """Answers with these drifts, after as many questions as ``busy`` says."""
    ended = {"DetectionStatus": "DETECTION_COMPLETE"}
    if failed:
        ended = {"DetectionStatus": "DETECTION_FAILED", "DetectionStatusReason": failed}
    asking = {"DetectionStatus": "DETECTION_IN_PROGRESS"}
    states = itertools.chain(itertools.repeat(asking, busy), itertools.repeat(ended))
    return Answering(
        detect_stack_drift={"StackDriftDetectionId": "d"},
        describe_stack_drift_detection_status=lambda **_: next(states),
        describe_stack_resource_drifts=pages_of_one("StackResourceDrifts", drifts),
    )


def asked_about(client: Answering) -> list[list[str]]:
    detections = [asked for name, asked in client.asked if name == "detect_stack_drift"]
    assert {asked["StackName"] for asked in detections} == {"p-data"}
    return [asked["LogicalResourceIds"] for asked in detections]


def drift(logical_id: str, state: str, *differences: tuple[str, str, str]) -> dict[str, Any]:
    return {
        "LogicalResourceId": logical_id,
        "StackResourceDriftStatus": state,
        "PropertyDifferences": [
            {"PropertyPath": path, "ExpectedValue": wanted, "ActualValue": found}
            for path, wanted, found in differences
        ],
    }


def lines(client: Any, *resources: Resource) -> list[Line]:
    return list(
        check_drift(client, Stacks(("p-data",), resources), "p-data", patience(lambda _: None))
    )


@pytest.mark.plan("7.3")
def test_a_property_that_differs_is_a_finding_with_both_values() -> None:
    client = cloudformation(
        drift("A", "MODIFIED", ("/SnapshotRetentionLimit", "7", "3")), drift("B", "IN_SYNC")
    )
    summary, found = lines(client, made("A", physical_id="redis"), made("B"))
    assert summary.passed
    assert summary.found == "1 drifted; 1 resources as the template asks"
    assert (found.name, found.found, found.wanted) == (
        "ElastiCache::ReplicationGroup redis, SnapshotRetentionLimit",
        "3",
        "7",
    )
    assert not found.passed


@pytest.mark.parametrize(
    ("state", "failed", "found"),
    [
        ("DELETED", "", "was deleted"),
        ("MODIFIED", "", ""),  # without a property that differs
        ("UNKNOWN", "not authorized: kms:GetKeyPolicy", "A: not authorized: kms:GetKeyPolicy"),
        ("IN_SYNC", "throttled", "some resources: throttled"),
    ],
)
def test_what_is_gone_differs_or_could_not_be_read_is_a_finding(
    state: str, failed: str, found: str
) -> None:
    _, line = lines(cloudformation(drift("A", state), failed=failed), made("A"))
    assert not line.passed
    assert found in line.found


def test_a_type_that_cannot_be_checked_is_named() -> None:
    client = cloudformation(drift("A", "IN_SYNC"))
    (summary,) = lines(client, made("A"), made("T", "AWS::SNS::TopicPolicy"))
    assert summary.found.endswith("CloudFormation cannot check 1: SNS::TopicPolicy")


def test_the_secret_is_never_read() -> None:
    client = cloudformation(drift("A", "IN_SYNC"))
    lines(client, made("A"), made("S", "AWS::SecretsManager::Secret"))
    assert asked_about(client) == [["A"]]


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("AWS::SNS::Subscription", "/Endpoint"),
        ("AWS::SNS::Subscription", "/Protocol"),
        (GROUP, "/AuthToken"),
        ("AWS::Lambda::Function", "/Environment/Variables/WEBHOOK_URL"),
    ],
)
def test_a_value_that_may_be_a_key_is_not_shown(kind: str, path: str) -> None:
    client = cloudformation(drift("A", "MODIFIED", (path, "hush-1", "hush-2")))
    _, found = lines(client, made("A", kind))
    assert not found.passed
    assert "hush" not in f"{found}"


def test_parameters_have_lines_of_their_own() -> None:
    client = cloudformation(drift("A", "MODIFIED", ("/Properties/timeout", "300", "600")))
    (summary,) = lines(client, made("A", "AWS::ElastiCache::ParameterGroup"))
    assert summary.found.startswith("1 drifted")


def test_detection_is_waited_for_and_not_for_ever() -> None:
    assert lines(cloudformation(drift("A", "IN_SYNC"), busy=5), made("A"))[0].passed
    with pytest.raises(NotYetError, match="p-data was not detected"):
        lines(cloudformation(busy=LONGEST_SECONDS // PAUSE_SECONDS + 1), made("A"))


def test_many_resources_are_asked_about_in_parts() -> None:
    client = cloudformation(drift("R0", "IN_SYNC"))
    lines(client, *(made(f"R{number}") for number in range(AT_ONCE + 1)))
    assert [len(ids) for ids in asked_about(client)] == [AT_ONCE, 1]


def test_a_stack_that_may_not_be_read_is_refused_in_plain_words() -> None:
    with pytest.raises(AwsRefusedError, match="refused GetTemplate"):
        read_stacks(Refusing(), ["p-data"])


def test_resources_of_which_no_drift_is_listed_were_not_read() -> None:
    (summary,) = [line for line in lines(cloudformation(), made("A")) if not line.passed]
    assert "CloudFormation lists no resource" in summary.found
