"""What the watch publishes, whatever an execution did or did not."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from recovery.watch import watch
from shared.errors import StoppedError
from tests.aws_samples import member_snapshot
from tests.lambda_recovery.example import GROUP, MACHINE, NOW, SETTINGS, group, stubbed

DAY = timedelta(days=1)
MEASURED = {"point_seconds": 7 * 3600, "time_seconds": 12 * 60}

Publish = Callable[..., dict[str, Any]]


@pytest.fixture
def published(capsys: pytest.CaptureFixture[str]) -> Publish:
    """The metrics of a pass after executions of these statuses, newest first, a day apart."""

    def run(
        *statuses: str,
        snapshots: bool = True,
        left: tuple[str, ...] = (),
        optional: bool = True,
    ) -> dict[str, Any]:
        cache, answers = stubbed("elasticache")
        groups = [group(name) for name in left]
        answers.add_response("describe_replication_groups", {"ReplicationGroups": groups}, {})
        taken = [member_snapshot(f"{GROUP}-002", NOW - timedelta(hours=7))] if snapshots else []
        beside = member_snapshot(f"{GROUP}-staging-001", NOW)
        answers.add_response("describe_snapshots", {"Snapshots": [*taken, beside]})
        if not snapshots:
            answers.add_response(
                "describe_replication_groups", {"ReplicationGroups": [group(GROUP)]}
            )
        for _ in left:
            answers.add_client_error("delete_replication_group", "InvalidReplicationGroupState")
        states = _states(statuses, optional=optional)
        try:
            watch(cache, states, SETTINGS, NOW)
        finally:
            printed = json.loads(capsys.readouterr().out)
        return {key: value for key, value in printed.items() if isinstance(value, float)}

    return run


def test_after_a_test_that_passed_nothing_is_wrong(published: Publish) -> None:
    assert published("RUNNING", "SUCCEEDED", "FAILED") == {
        "SnapshotAgeHours": 7.0,
        "RecoveryLeftovers": 0.0,
        "RecoveryFailed": 0.0,
        "RecoveryAgeDays": 2.0,
        "RecoveryPointHours": 7.0,
        "RecoveryTimeMinutes": 12.0,
    }


def test_a_test_that_passed_without_its_figures_has_not_shown_the_objectives(
    published: Publish,
) -> None:
    found = published("SUCCEEDED", optional=False)
    assert (found["RecoveryFailed"], found["RecoveryAgeDays"]) == (1.0, 1.0)
    assert "RecoveryPointHours" not in found


@pytest.mark.parametrize("status", ["FAILED", "TIMED_OUT", "ABORTED"])
def test_a_test_that_did_not_pass_is_told_until_one_does(published: Publish, status: str) -> None:
    metrics = published(status, "SUCCEEDED")
    assert metrics["RecoveryFailed"] == 1
    assert metrics["RecoveryAgeDays"] == 2.0


def test_without_any_test_the_age_counts_from_the_deployment(published: Publish) -> None:
    metrics = published()
    assert metrics["RecoveryAgeDays"] == 40.0
    assert metrics["RecoveryFailed"] == 0
    assert "RecoveryTimeMinutes" not in metrics


def test_without_any_snapshot_the_age_is_the_groups(published: Publish) -> None:
    assert published(snapshots=False)["SnapshotAgeHours"] == 4.0


def test_a_group_of_unknown_age_is_no_young_one() -> None:
    cache, answers = stubbed("elasticache")
    nameless = group(GROUP)
    del nameless["ReplicationGroupCreateTime"]
    answers.add_response("describe_replication_groups", {"ReplicationGroups": []}, {})
    answers.add_response("describe_snapshots", {"Snapshots": []})
    answers.add_response("describe_replication_groups", {"ReplicationGroups": [nameless]})
    with pytest.raises(StoppedError, match=f"does not say when {GROUP} was made"):
        watch(cache, _states((), optional=True), SETTINGS, NOW)


def test_a_leftover_that_cannot_be_deleted_is_published_and_raised(
    published: Publish, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(StoppedError, match="InvalidReplicationGroupState"):
        published(left=(f"{GROUP}-recovery-1111",))
    assert not capsys.readouterr().out


def _states(statuses: tuple[str, ...], *, optional: bool) -> Any:
    client, answers = stubbed("stepfunctions")
    executions = [
        {
            "executionArn": f"arn:aws:states:us-east-1:111122223333:execution:recovery:{number}",
            "stateMachineArn": MACHINE,
            "name": str(number),
            "status": status,
            "startDate": NOW - (number + 1) * DAY,
            **({"stopDate": NOW - (number + 1) * DAY} if optional else {}),
        }
        for number, status in enumerate(statuses)
    ]
    listed = {"executions": executions}
    answers.add_response("list_executions", listed, {"stateMachineArn": MACHINE})
    if "SUCCEEDED" in statuses:
        passed = executions[statuses.index("SUCCEEDED")]
        output = {"output": json.dumps({"report": MEASURED})} if optional else {}
        answers.add_response("describe_execution", passed | output)
    else:
        machine = {
            "stateMachineArn": MACHINE,
            "name": "recovery",
            "definition": "{}",
            "roleArn": "arn:aws:iam::111122223333:role/x",
            "type": "STANDARD",
            "creationDate": NOW - 40 * DAY,
        }
        answers.add_response("describe_state_machine", machine)
    return client
