"""Drift as CloudFormation tells it becomes lines; what it could not read is never healthy."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from reviews.configuration.drift import (
    AT_ONCE,
    LONGEST_SECONDS,
    PAUSE_SECONDS,
    check_drift,
    patience,
)
from reviews.configuration.stacks import Made, Stacks, read_stacks
from shared.errors import AwsRefusedError, NotYetError
from shared.line import Line

GROUP = "AWS::ElastiCache::ReplicationGroup"


def made(logical_id: str, kind: str = GROUP, physical_id: str = "g") -> Made:
    return Made("p-data", logical_id, kind, physical_id, {})


class CloudFormation:
    """Answers with these drifts, after as many questions as ``busy`` says."""

    def __init__(self, *drifts: dict[str, Any], busy: int = 0, failed: str = "") -> None:
        self.drifts, self.busy, self.failed = drifts, busy, failed
        self.asked: list[list[str]] = []

    def detect_stack_drift(self, *, StackName: str, LogicalResourceIds: list[str]) -> Any:  # noqa: N803
        assert StackName == "p-data"
        self.asked.append(LogicalResourceIds)
        return {"StackDriftDetectionId": "d"}

    def describe_stack_drift_detection_status(self, *, StackDriftDetectionId: str) -> Any:  # noqa: N803
        assert StackDriftDetectionId == "d"
        if self.busy:
            self.busy -= 1
            return {"DetectionStatus": "DETECTION_IN_PROGRESS"}
        if self.failed:
            return {"DetectionStatus": "DETECTION_FAILED", "DetectionStatusReason": self.failed}
        return {"DetectionStatus": "DETECTION_COMPLETE"}

    def describe_stack_resource_drifts(self, *, StackName: str, NextToken: str = "") -> Any:  # noqa: N803
        assert StackName == "p-data"
        first = int(NextToken or 0)
        more = {"NextToken": str(first + 1)} if first + 1 < len(self.drifts) else {}
        return {"StackResourceDrifts": list(self.drifts[first : first + 1]), **more}


def drift(logical_id: str, state: str, *differences: tuple[str, str, str]) -> dict[str, Any]:
    return {
        "LogicalResourceId": logical_id,
        "StackResourceDriftStatus": state,
        "PropertyDifferences": [
            {"PropertyPath": path, "ExpectedValue": wanted, "ActualValue": found}
            for path, wanted, found in differences
        ],
    }


def lines(client: Any, *resources: Made) -> list[Line]:
    return list(
        check_drift(client, Stacks(("p-data",), resources), "p-data", patience(lambda _: None))
    )


@pytest.mark.plan("7.3")
def test_a_property_that_differs_is_a_finding_with_both_values() -> None:
    client = CloudFormation(
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


def test_a_resource_that_is_gone_is_a_finding() -> None:
    _, found = lines(CloudFormation(drift("A", "DELETED")), made("A"))
    assert (found.passed, found.found) == (False, "was deleted")


def test_drift_without_a_property_is_a_finding_all_the_same() -> None:
    _, found = lines(CloudFormation(drift("A", "MODIFIED")), made("A"))
    assert not found.passed


def test_what_cloudformation_could_not_read_is_a_finding() -> None:
    client = CloudFormation(drift("A", "UNKNOWN"), failed="not authorized: kms:GetKeyPolicy")
    _, found = lines(client, made("A"))
    assert not found.passed
    assert "A: not authorized: kms:GetKeyPolicy" in found.found


def test_a_detection_that_failed_without_naming_a_resource_is_a_finding() -> None:
    _, found = lines(CloudFormation(drift("A", "IN_SYNC"), failed="throttled"), made("A"))
    assert (found.passed, found.found) == (False, "some resources: throttled")


def test_a_type_that_cannot_be_checked_is_named() -> None:
    client = CloudFormation(drift("A", "IN_SYNC"))
    (summary,) = lines(client, made("A"), made("T", "AWS::SNS::TopicPolicy"))
    assert summary.found.endswith("CloudFormation cannot check 1: SNS::TopicPolicy")


def test_the_secret_is_never_read() -> None:
    client = CloudFormation(drift("A", "IN_SYNC"))
    lines(client, made("A"), made("S", "AWS::SecretsManager::Secret"))
    assert client.asked == [["A"]]


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
    client = CloudFormation(drift("A", "MODIFIED", (path, "hush-1", "hush-2")))
    _, found = lines(client, made("A", kind))
    assert not found.passed
    assert "hush" not in json.dumps(found.document())


def test_parameters_have_lines_of_their_own() -> None:
    client = CloudFormation(drift("A", "MODIFIED", ("/Properties/timeout", "300", "600")))
    (summary,) = lines(client, made("A", "AWS::ElastiCache::ParameterGroup"))
    assert summary.found.startswith("1 drifted")


def test_detection_is_waited_for_and_not_for_ever() -> None:
    assert lines(CloudFormation(drift("A", "IN_SYNC"), busy=5), made("A"))[0].passed
    with pytest.raises(NotYetError, match="p-data was not detected"):
        lines(CloudFormation(busy=LONGEST_SECONDS // PAUSE_SECONDS + 1), made("A"))


def test_all_stacks_together_are_waited_for_no_longer_than_one() -> None:
    paused: list[float] = []
    pauses = patience(paused.append)
    client, stacks = CloudFormation(busy=10_000), Stacks(("p-data",), (made("A"),))
    for _ in range(3):
        with pytest.raises(NotYetError):
            list(check_drift(client, stacks, "p-data", pauses))
    assert sum(paused) == LONGEST_SECONDS


def test_many_resources_are_asked_about_in_parts() -> None:
    client = CloudFormation(drift("R0", "IN_SYNC"))
    lines(client, *(made(f"R{number}") for number in range(AT_ONCE + 1)))
    assert [len(ids) for ids in client.asked] == [AT_ONCE, 1]


def test_a_stack_that_may_not_be_read_is_refused_in_plain_words() -> None:
    class Denied:
        def get_template(self, **_: Any) -> None:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "x"}}, "GetTemplate")

    with pytest.raises(AwsRefusedError, match="refused to read the template of p-data"):
        read_stacks(Denied(), ["p-data"])
