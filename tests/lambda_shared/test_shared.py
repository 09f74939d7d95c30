"""What several functions share: variables, lines of checks, snapshots, and libraries' logs."""

import importlib
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import aws_cdk as cdk
import pytest

from constructs.common.variables import LARGEST, fitting
from shared.errors import StoppedError
from shared.line import Line, lines_of
from shared.snapshots import is_of, source_of, taken
from shared.variable import document
from tests.aws_samples import answers, group_snapshot, member_snapshot

LIBRARIES = [logging.getLogger(name) for name in ("boto3", "botocore", "urllib3")]


@pytest.fixture
def debugging(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody turned debugging on, in an environment that no template filled."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    for library in LIBRARIES:
        monkeypatch.setattr(library, "level", logging.DEBUG)


@pytest.mark.usefixtures("debugging")
@pytest.mark.parametrize(
    "module",
    [
        "health.handler",
        "health.inside",
        "recovery.handler",
        "recovery.keeper",
        "recovery.verifier",
        "reviews.capacity.handler",
        "reviews.configuration",
        "reviews.metrics.handler",
        "reviews.security",
        "reviews.updates",
        "reviews.watch",
        "rotation.handler",
    ],
)
def test_debugging_is_off_before_a_handler_does_anything(module: str) -> None:
    with pytest.raises(KeyError):  # the first thing that it asks its environment or event for
        importlib.import_module(module).handler({}, None)
    assert [library.level for library in LIBRARIES] == [logging.WARNING] * len(LIBRARIES)


@pytest.mark.parametrize("reason", [StoppedError("no Arn"), KeyError("Arn")])
def test_a_check_whose_answer_lacks_a_field_fails(reason: Exception) -> None:
    def check() -> Iterator[Line]:
        yield Line("first", True, "", "", "s")
        raise reason

    first, ended = lines_of("name", "s", check)
    assert first.passed
    assert (ended.name, ended.passed) == ("name", False)
    assert "Arn" in ended.found


LONG = {f"key-{number}": number for number in range(400)}


@pytest.mark.parametrize("value", [{"a": 1}, [1], LONG, [LONG, LONG], LONG | {"key": "of a key"}])
def test_a_document_is_the_same_packed_or_not_and_fits(value: Any) -> None:
    text = cdk.Fn.ref("Key") if isinstance(value, dict) and "key" in value else ""
    given = value | {"key": text} if text else value
    found = fitting({"VALUE": json.dumps(given), "X": "y"})
    assert document(found, "VALUE") == given
    assert len(found["VALUE"]) < LARGEST
    assert text in found["VALUE"], "a reference stays one"


THEN = datetime(2026, 12, 7, 2, 13, tzinfo=UTC)
GROUP = "vibewell-redis"


@pytest.mark.parametrize(
    ("snapshot", "in_cluster_mode", "without"),
    [
        (member_snapshot(f"{GROUP}-001", THEN), True, True),
        (member_snapshot(f"{GROUP}-042", THEN), True, True),  # a node that is gone
        (group_snapshot(GROUP, THEN), True, True),
        (member_snapshot(f"{GROUP}-003", THEN, ReplicationGroupId=GROUP), True, True),
        (member_snapshot(f"{GROUP}-0001-002", THEN), True, False),
        (member_snapshot(f"{GROUP}-staging-001", THEN), False, False),
        (member_snapshot(f"{GROUP}-staging-0001-001", THEN), False, False),
        (group_snapshot(f"{GROUP}-staging", THEN), False, False),
        (member_snapshot(f"{GROUP}-001", THEN, ReplicationGroupId="other"), False, False),
        (member_snapshot(GROUP, THEN), False, False),  # a cluster that is in no group
        (member_snapshot(f"my-{GROUP}-001", THEN), False, False),
        (member_snapshot(f"{GROUP}-1001", THEN), False, False),
        (member_snapshot(f"{GROUP}-001\n", THEN), False, False),
        ({}, False, False),
    ],
    ids=str,
)
def test_a_snapshot_is_of_the_group_or_of_one_of_its_members_by_the_whole_name(
    snapshot: dict[str, Any], in_cluster_mode: bool, without: bool
) -> None:
    assert is_of(snapshot, GROUP, cluster_mode=True) is in_cluster_mode
    assert is_of(snapshot, GROUP, cluster_mode=False) is without


@pytest.mark.parametrize("operation", ["CreateSnapshot", "CopySnapshot", "DeleteSnapshot"])
def test_every_sample_of_aws_can_be_read(operation: str) -> None:
    for answer in answers(operation):
        snapshot = answer["Snapshot"]
        assert source_of(snapshot) != "no group"
        assert taken(snapshot) is None or snapshot["NodeSnapshots"][0]["SnapshotCreateTime"]


def test_a_manual_one_without_a_time_has_no_age() -> None:
    sharded = group_snapshot(GROUP, THEN, THEN, source="manual")
    del sharded["NodeSnapshots"][1]["SnapshotCreateTime"]
    assert taken(sharded) is None
