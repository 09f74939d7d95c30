"""What is removed, reported and published; never the group under test, nor anybody else's."""

import json
from collections.abc import Callable
from contextlib import nullcontext
from datetime import timedelta
from typing import Any

import pytest
from botocore.stub import Stubber
from hypothesis import given
from hypothesis import strategies as st

from recovery import handler
from recovery.report import notification, outcome
from recovery.restore import MOST_PASSES, leftovers, remove, sweep
from recovery.settings import Run, StillThereError, is_throw_away
from recovery.watch import watch
from shared.errors import AwsRefusedError, StoppedError
from tests.aws_samples import member_snapshot
from tests.lambda_recovery import example
from tests.lambda_recovery.example import GROUP, NOW, RUN, SETTINGS, VARIABLES, group, stubbed

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
OF_THIS_TEST = f"{GROUP}-recovery-1111"

LONGEST = 26  # as the settings refuse a longer one
IDS = st.from_regex(r"[a-z](-?[a-z0-9]){0,25}", fullmatch=True).filter(
    lambda found: len(found) <= LONGEST
)


@given(source=IDS, other=IDS, description=st.text())
def test_the_group_under_test_and_one_of_another_name_or_description_are_never_thrown_away(
    source: str, other: str, description: str
) -> None:
    ours = f"Recovery test of {source}: {description}"
    cases = [(source, description), (source, ours)]
    cases += [] if other.startswith(f"{source}-recovery-") else [(other, ours)]
    if not description.startswith(f"Recovery test of {source}: "):
        cases += [(f"{source}-recovery-0000", description)]
    for name, says in cases:
        assert not is_throw_away({"ReplicationGroupId": name, "Description": says}, source)


@given(source=IDS, execution=st.text(min_size=1, max_size=80))
def test_a_tests_own_group_is_one_and_its_name_fits(source: str, execution: str) -> None:
    run = Run(source, execution, NOW)
    described = {"ReplicationGroupId": run.group_id, "Description": run.description}
    assert is_throw_away(described, source)
    assert run.owns(described)
    assert len(run.group_id) <= 40
    # "<source>-recovery-…" could be an environment called recovery.
    theirs = Run(f"{source}-recovery-x", execution, NOW)
    described = {"ReplicationGroupId": theirs.group_id, "Description": theirs.description}
    assert not is_throw_away(described, source)


def test_only_old_ones_are_left_over() -> None:
    client, stubber = stubbed("elasticache")
    young = NOW - timedelta(seconds=10_800)
    listed = [
        group(GROUP, Description="Rate limiting"),
        group(OF_THIS_TEST),
        group(f"{GROUP}-recovery-2222", ReplicationGroupCreateTime=young),
        group(f"{GROUP}-recovery-mine", Description="An experiment"),
    ]
    stubber.add_response("describe_replication_groups", {"ReplicationGroups": listed}, {})
    found = leftovers(client, SETTINGS, NOW)
    assert [each["ReplicationGroupId"] for each in found] == [OF_THIS_TEST]


def test_one_that_cannot_be_deleted_does_not_keep_the_others() -> None:
    client, stubber = stubbed("elasticache")
    stubber.add_client_error("delete_replication_group", "InvalidReplicationGroupState")
    _deleted(stubber, "b")
    problems = sweep(client, [group("a"), group("b"), group("c", Status="deleting")])
    busy = "DeleteReplicationGroup is not possible now: InvalidReplicationGroupState"
    assert problems == [f"a: {busy}"]
    stubber.assert_no_pending_responses()


@pytest.mark.parametrize(
    ("changes", "gone"),
    [
        ({"Description": f"Recovery test of {GROUP}: tuesday"}, True),
        ({"Status": "creating"}, False),
    ],
)
def test_another_tests_group_is_left_alone_and_one_that_is_being_made_is_waited_for(
    changes: dict[str, str], gone: bool
) -> None:
    client, _ = example.describing(**changes)  # the stub answers no other call
    assert remove(client, RUN, 3) == {"gone": gone, "passes": 3 if gone else 4}


def test_an_own_group_that_is_there_is_deleted_and_looked_for_again_but_not_forever() -> None:
    client, stubber = example.describing()
    _deleted(stubber, RUN.group_id)
    assert remove(client, RUN, 0) == {"gone": False, "passes": 1}
    stubber.assert_no_pending_responses()
    client, _ = example.describing(Status="deleting")
    with pytest.raises(StillThereError, match="still deleting"):
        remove(client, RUN, MOST_PASSES)


@pytest.mark.parametrize(
    ("code", "gone"),
    [
        ("ReplicationGroupNotFoundFault", True),
        ("ReplicationGroupNotFound", True),
        ("AccessDenied", False),
    ],
)
def test_a_group_is_gone_that_aws_does_not_know_and_not_one_that_it_refuses_to_describe(
    code: str, gone: bool
) -> None:
    client, stubber = stubbed("elasticache")
    stubber.add_client_error("describe_replication_groups", code)
    with nullcontext() if gone else pytest.raises(AwsRefusedError, match=code):
        assert remove(client, RUN, 2) == {"gone": True, "passes": 2}


def _deleted(stubber: Stubber, name: str) -> None:
    expected = {"ReplicationGroupId": name, "RetainPrimaryCluster": False}
    stubber.add_response("delete_replication_group", {}, expected)


# --- The report ----------------------------------------------------------------------------------


def state(*, age: float = 7, minutes: float = 12, **more: Any) -> dict[str, Any]:
    """What the state machine has gathered; ``age`` is the snapshot's in hours."""
    created, at = NOW - timedelta(hours=age), NOW + timedelta(minutes=minutes)
    return {
        "chosen": {"snapshot": {"name": "automatic.one", "created": created.isoformat()}},
        "verified": {"at": at.isoformat(), "sentinels": 32, "keys": 1_000_032},
        **more,
    }


def said(gathered: dict[str, Any]) -> dict[str, Any]:
    message = json.loads(notification(outcome(gathered, RUN), SETTINGS, RUN))
    assert (message["version"], message["source"]) == ("1.0", "custom")
    content: dict[str, Any] = message["content"]
    return content


def test_a_test_that_passed_says_both_objectives_and_needs_no_next_step() -> None:
    content = said(state())
    assert content["title"] == ":white_check_mark: Recovery test passed: vibewell-redis"
    for words in (
        "7.0 h old at the start, within 24 h",
        "12.0 min, within 30 min",
        "32 sentinels of 32, in 1,000,032 keys",
        "*Left behind:* nothing",
    ):
        assert words in content["description"]
    assert "nextSteps" not in content


@pytest.mark.parametrize(
    ("gathered", "words"),
    [
        (state(age=24.1), "24.1 h old at the start, MISSED: 24 h"),
        (state(minutes=30.1), "30.1 min, MISSED: 30 min"),
        (state(age=24, minutes=30), None),
    ],
)
def test_an_objective_that_was_missed_is_reported_with_its_section(
    gathered: dict[str, Any], words: str | None
) -> None:
    content = said(gathered)
    assert (words or "within 30 min") in content["description"]
    steps = [f"Runbook: {SETTINGS.runbook_url}#recovery-objectives"] if words else None
    assert content.get("nextSteps") == steps


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        ('{"errorMessage": "one missing", "errorType": "SentinelsError"}', "E: one missing"),
        ("Task timed out", "E: Task timed out"),
        ("", "E: no reason given"),
    ],
)
def test_a_failure_is_reported_in_words(cause: str, words: str) -> None:
    content = said({"chosen": state()["chosen"], "failure": {"Error": "E", "Cause": cause}})
    assert content["title"] == ":rotating_light: Recovery test FAILED: vibewell-redis"
    assert content["description"].startswith(f"*Why:* {words}")
    assert content["nextSteps"][0].endswith("#recovery-failed")


def test_a_group_that_stays_or_a_step_after_the_read_fails_a_test_whose_data_was_good() -> None:
    gathered = state(stuck={"Error": "StillThereError", "Cause": "x is still deleting"})
    assert not outcome(gathered, RUN).passed
    content = said(gathered)
    assert "*Left behind:* StillThereError: x is still deleting" in content["description"]
    assert content["nextSteps"][0].endswith("#recovery-leftovers")
    assert not outcome(state(failure={"Error": "E", "Cause": "later"}), RUN).passed
    unread = {"chosen": state()["chosen"]}
    assert not outcome(unread, RUN).passed
    assert said(unread)["nextSteps"][0].endswith("#recovery-failed")


def test_a_report_is_published_as_metrics_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sns, answers = stubbed("sns")
    for _ in range(3):
        answers.add_response("publish", {"MessageId": "x"})
    monkeypatch.setattr(handler, "client", {"sns": sns}.__getitem__)
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    event = {"step": "report", "execution": RUN.execution, "started": NOW.isoformat()}
    passed = handler.handler(event | {"state": state()}, None)
    broken = handler.handler(event | {"state": {"failure": {"Error": "E", "Cause": "why"}}}, None)
    stuck = {"Error": "StillThereError", "Cause": "x"}
    left = handler.handler(event | {"state": state(stuck=stuck)}, None)
    assert passed == {"passed": True, "point_seconds": 7 * 3600, "time_seconds": 12 * 60}
    assert broken == {"passed": False}
    assert left == passed | {"passed": False}
    first, second, third = map(json.loads, capsys.readouterr().out.splitlines())
    assert [one["RecoveryFailed"] for one in (first, second, third)] == [0, 1, 1]
    assert (first["RecoveryPointHours"], first["RecoveryTimeMinutes"]) == (7, 12)
    assert second["recovery"] == "E: why"
    assert "RecoveryTimeMinutes" not in second
    answers.assert_no_pending_responses()


# --- The watch -----------------------------------------------------------------------------------

MEASURED = {"point_seconds": 7 * 3600, "time_seconds": 12 * 60}
Publish = Callable[..., dict[str, Any]]


@pytest.fixture
def published(capsys: pytest.CaptureFixture[str]) -> Publish:
    """The metrics of a pass after executions of these statuses, newest first, a day apart."""

    def run(
        *statuses: str,
        snapshots: bool = True,
        being: str = "available",
        left: tuple[str, ...] = (),
        optional: bool = True,
        **changes: Any,
    ) -> dict[str, Any]:
        cache, answers = stubbed("elasticache")
        groups = [group(name) for name in left]
        answers.add_response("describe_replication_groups", {"ReplicationGroups": groups}, {})
        newest = member_snapshot(f"{GROUP}-002", NOW - 7 * HOUR, SnapshotStatus=being)
        taken = [newest] if snapshots else []
        other = member_snapshot(f"{GROUP}-staging-001", NOW)
        answers.add_response("describe_snapshots", {"Snapshots": [*taken, other]})
        own = {key: value for key, value in group(GROUP, **changes).items() if value is not None}
        if not snapshots:
            answers.add_response("describe_replication_groups", {"ReplicationGroups": [own]})
        for _ in left:
            answers.add_client_error("delete_replication_group", "InvalidReplicationGroupState")
        try:
            watch(cache, _states(statuses, optional=optional), SETTINGS, NOW)
        finally:
            text = capsys.readouterr().out
            assert text or None in changes.values(), "nothing was published"
            printed = json.loads(text or "{}")
        return {key: value for key, value in printed.items() if isinstance(value, float)}

    return run


def test_after_a_test_that_passed_nothing_is_wrong(published: Publish) -> None:
    assert published("RUNNING", "SUCCEEDED", "FAILED") == {
        "SnapshotAgeHours": 7.0,
        "RecoveryLeftovers": 0.0,
        "RecoveryFailed": 0.0,
        "RecoveryAgeDays": 1.9,
        "RecoveryPointHours": 7.0,
        "RecoveryTimeMinutes": 12.0,
    }


@pytest.mark.parametrize("being", ["restoring", "copying"])
def test_a_snapshot_that_somebody_uses_is_no_older_for_it(published: Publish, being: str) -> None:
    assert published("SUCCEEDED", being=being)["SnapshotAgeHours"] == 7.0


def test_a_test_that_passed_without_its_figures_has_not_shown_the_objectives(
    published: Publish,
) -> None:
    found = published("SUCCEEDED", optional=False)
    assert (found["RecoveryFailed"], found["RecoveryAgeDays"]) == (1.0, 1.0)
    assert "RecoveryPointHours" not in found


@pytest.mark.parametrize("status", ["FAILED", "TIMED_OUT", "ABORTED"])
def test_a_test_that_did_not_pass_is_published_until_one_does(
    published: Publish, status: str
) -> None:
    metrics = published(status, "SUCCEEDED")
    assert (metrics["RecoveryFailed"], metrics["RecoveryAgeDays"]) == (1, 1.9)


def test_without_any_test_or_snapshot_the_ages_are_the_deployments(published: Publish) -> None:
    metrics = published(snapshots=False)
    assert (metrics["RecoveryAgeDays"], metrics["RecoveryFailed"]) == (40.0, 0)
    assert "RecoveryTimeMinutes" not in metrics
    assert metrics["SnapshotAgeHours"] == 4.0
    # A group of unknown age is no young one.
    with pytest.raises(StoppedError, match=f"does not say when {GROUP} was made"):
        published(snapshots=False, ReplicationGroupCreateTime=None)


def test_a_leftover_that_cannot_be_deleted_is_published_and_raised(published: Publish) -> None:
    with pytest.raises(StoppedError, match="InvalidReplicationGroupState"):
        published(left=(OF_THIS_TEST,))  # which fails where nothing is published before


def _states(statuses: tuple[str, ...], *, optional: bool) -> Any:
    client, answers = stubbed("stepfunctions")
    machine = {"stateMachineArn": example.MACHINE}
    executions = [
        {
            **machine,
            "executionArn": f"arn:aws:states:us-east-1:111122223333:execution:recovery:{number}",
            "name": str(number),
            "status": status,
            "startDate": NOW - (number + 1) * DAY,
            **({"stopDate": NOW - (number + 0.9) * DAY} if optional else {}),
        }
        for number, status in enumerate(statuses)
    ]
    answers.add_response("list_executions", {"executions": executions}, machine)
    if "SUCCEEDED" in statuses:
        passed = executions[statuses.index("SUCCEEDED")]
        output = {"output": json.dumps({"report": MEASURED})} if optional else {}
        answers.add_response("describe_execution", passed | output)
    else:
        role = "arn:aws:iam::111122223333:role/x"
        described = {"name": "recovery", "definition": "{}", "roleArn": role, "type": "STANDARD"}
        made = {**machine, **described, "creationDate": NOW - 40 * DAY}
        answers.add_response("describe_state_machine", made)
    return client
