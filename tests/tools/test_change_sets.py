"""What ends a preparation or an execution, said to the one who started it."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.support import Document
from tests.tools.account import DATA, MOMENT, STACKS, Case, Run, stack
from tools.assembly import Stack
from tools.change_sets import changes, execute, prepare, record
from tools.change_sets.prepare import in_order
from tools.stacks import STATES

BOTH = (DATA, "operations")
FOUND = "cloudformation:DescribeChangeSet"
READY = {"Status": "CREATE_COMPLETE", "ExecutionStatus": "AVAILABLE", "ChangeSetId": "data-id"}


def named(name: str, *after: str) -> Stack:
    return Stack(name, {"Resources": {}}, {"dependencies": [*after, "Tree"], "properties": {}}, [])


def test_stacks_come_after_those_that_they_depend_on() -> None:
    given = [named("monitoring", "operations"), named("operations", DATA), named(DATA)]
    ordered = in_order({one.name: one for one in given})
    assert [one.name for one in ordered] == [DATA, "operations", "monitoring"]


@pytest.fixture
def cdk(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[int, str]]]:
    """Three stacks in a row, and what the command line answers for each."""
    outputs: list[tuple[int, str]] = []
    stacks = [named(DATA), named("operations", DATA), named("monitoring", "operations")]
    monkeypatch.setattr(prepare, "read", lambda _: {one.name: one for one in stacks})
    monkeypatch.setattr(prepare, "run", lambda *_: outputs.pop(0))
    yield outputs
    assert outputs == []


def prepared(run: Run, **answers: Any) -> Any:
    """Preparing with a change set of an earlier run and one by hand on each stack."""
    there = [
        {"ChangeSetName": name, "ChangeSetId": f"{name}-id"} for name in ("prepared-0", "by-hand")
    ]
    given = {"cloudformation:ListChangeSets": {"Summaries": there}, FOUND: READY, **answers}
    return run(Case(prepare.main, "production cdk", "", given))


def of_operations(other: Any) -> Any:
    """The change set of the data stack is ready; of the next one there is another answer."""
    return lambda asked: other if asked.get("StackName") == "operations" else READY


@pytest.mark.plan("2.4")
def test_what_needs_an_export_that_is_only_prepared_waits_for_another_round(
    run: Run, cdk: list[tuple[int, str]]
) -> None:
    cdk += [(0, ""), (1, "it failed")]
    why = {"Status": "FAILED", "StatusReason": f"No export named {DATA}:A found"}
    ended = prepared(run, **{FOUND: of_operations(why)})
    assert ended.status == 0
    assert "start the delivery again" in ended.said
    found = record.load("production")
    assert [(one.stack, one.change_set) for one in found.stacks] == [(DATA, "data-id")]
    assert found.later == ("operations", "monitoring")
    withdrawn = [asked for name, asked in ended.called if name.endswith("DeleteChangeSet")]
    assert withdrawn == [{"ChangeSetName": "prepared-0-id"}] * 3


@pytest.mark.plan("2.4")
def test_a_failed_preparation_leaves_no_change_set_to_execute(
    run: Run, cdk: list[tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    cdk += [(0, ""), (1, "AccessDenied")]
    monkeypatch.setattr(prepare, "new_name", lambda: "prepared-0")
    ended = prepared(run, **{FOUND: of_operations("ChangeSetNotFound")})
    assert ended.status == 1
    assert "operations could not be prepared: AccessDenied" in ended.said
    assert ended.changes == ["cloudformation:DeleteChangeSet"] * 6, "before and after, of each"


@pytest.mark.plan("2.4")
@pytest.mark.parametrize(
    ("why", "status", "says"),
    [
        ("The submitted information didn't contain changes.", 0, "There is nothing to execute"),
        ("Validation failed", 1, f"the change set of {DATA} is FAILED: Validation failed"),
    ],
)
def test_a_change_set_without_a_change_is_deleted_and_one_that_failed_is_not_executed(
    why: str, status: int, says: str, run: Run
) -> None:
    failed = READY | {"Status": "FAILED", "ExecutionStatus": "UNAVAILABLE", "StatusReason": why}
    ended = prepared(run, **{FOUND: failed})
    assert ended.status == status
    assert says in ended.said
    deleted = [asked for name, asked in ended.called if name.endswith("DeleteChangeSet")]
    assert ({"ChangeSetName": "data-id"} in deleted) is (status == 0)


@pytest.mark.plan("2.4")
@pytest.mark.parametrize(
    ("outputs", "kind", "says"),
    [
        ([(0, "")] * 3, "AWS::ElastiCache::ReplicationGroup", f"{DATA}: .* would be removed"),
        # Nothing that is prepared would bring the export.
        ([(1, "No export named A found")], "AWS::SNS::Topic", f"{DATA} could not be prepared"),
    ],
)
def test_what_would_lose_data_or_wait_in_vain_is_not_left_prepared(
    outputs: list[tuple[int, str]],
    kind: str,
    says: str,
    run: Run,
    cdk: list[tuple[int, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cdk += outputs
    monkeypatch.setattr(prepare, "new_name", lambda: "prepared-0")
    change = {"Action": "Remove", "LogicalResourceId": "It", "ResourceType": kind}
    ended = prepared(run, **{FOUND: READY | {"Changes[].ResourceChange": change}})
    assert ended.status == 1
    assert re.search(says, ended.said), ended.said
    assert ended.changes == ["cloudformation:DeleteChangeSet"] * 6, "before and after, of each"


@pytest.mark.plan("2.4")
@pytest.mark.parametrize(
    ("answers", "says"),
    [
        ({STACKS: "ValidationError"}, "make deploy ENV=production once, by hand"),
        (
            stack("UPDATE_COMPLETE", EnableTerminationProtection=True),
            "termination_protection.*in no change set",
        ),
        *(
            (stack(status), f"prepare: {DATA} is {status}: (.|\n)*({'|'.join(ways)})")
            for status in STATES
            if not STATES[status].changeable
            for ways in [(f"--stack-name {DATA}", "make deploy ENV=production", "make stacks")]
        ),
    ],
)
def test_a_stack_that_is_not_to_be_changed_now_is_refused_with_the_command_on(
    answers: Document, says: str, run: Run
) -> None:
    ended = run(Case(prepare.main, "production cdk", "", answers))
    assert ended.status == 1
    assert re.search(says, ended.said), ended.said
    assert ended.changes == []


@pytest.mark.parametrize(
    ("described", "lost"),
    [
        ({"Action": "Remove"}, "removed"),
        ({"Action": "Remove", "PolicyAction": "Snapshot"}, "removed"),
        ({"Action": "Remove", "PolicyAction": "Retain"}, None),
        ({"Replacement": "True"}, "replaced"),
        ({"Replacement": "True", "PolicyAction": "ReplaceAndRetain"}, "replaced"),
        ({"Replacement": "Conditional"}, "replaced, if CloudFormation finds so while it deploys"),
        ({"Action": "Dynamic"}, "replaced, if CloudFormation finds so while it deploys"),
        ({"Replacement": "False"}, None),
    ],
)
@pytest.mark.parametrize("kind", sorted(changes.HOLDS_DATA))
def test_what_would_lose_data_is_named(kind: str, described: dict[str, str], lost: str) -> None:
    change = {"LogicalResourceId": "It", "ResourceType": kind, "Action": "Modify", **described}
    found = list(changes.losses("data", [change]))
    assert found == ([f"data: It ({kind}) would be {lost}"] if lost else [])


def executed(run: Run, answers: Document, *later: str, after: Any = None) -> Any:
    """Executing a record of two stacks."""
    stacks = tuple(record.Prepared(name, f"{name}-arn", MOMENT) for name in BOTH)
    record.save(record.Record("production", stacks, later))
    given = {"cloudformation:ExecuteChangeSet": after} if after else {}
    return run(Case(execute.main, "production", "", answers, given))


@pytest.mark.plan("2.4")
@pytest.mark.parametrize(
    ("other", "says"),
    [
        (READY | {"ExecutionStatus": "OBSOLETE"}, "operations is OBSOLETE. Nothing was executed"),
        ("ChangeSetNotFound", "operations is not there any more"),
    ],
)
def test_nothing_is_executed_unless_every_stack_is_as_it_was_prepared(
    other: Any, says: str, run: Run
) -> None:
    answer = lambda asked: other if asked["ChangeSetName"] == "operations-arn" else READY  # noqa: E731
    ended = executed(run, {FOUND: answer})
    assert (ended.status, ended.changes) == (1, [])
    assert says in ended.said


@pytest.mark.plan("2.4")
def test_nothing_is_executed_on_a_stack_that_was_changed_since(run: Run) -> None:
    later = datetime(2026, 12, 24, tzinfo=UTC)
    ended = executed(run, stack("UPDATE_COMPLETE", LastUpdatedTime=later))
    assert (ended.status, ended.changes) == (1, [])
    assert f"{DATA} was changed at 2026-12-24T00:00:00+00:00, after it was prepared" in ended.said


@pytest.mark.plan("2.4")
def test_the_stacks_after_one_that_failed_are_left_alone_and_the_reason_is_said(run: Run) -> None:
    failed = stack(
        "UPDATE_ROLLBACK_COMPLETE",
        *(("It", "UPDATE_FAILED", "the token is being rotated"), ("data", "UPDATE_IN_PROGRESS")),
        ("Old", "UPDATE_FAILED"),
    )
    ended = executed(run, {}, after=failed)
    assert ended.status == 1
    assert ended.request("cloudformation:ExecuteChangeSet") == {"ChangeSetName": f"{DATA}-arn"}
    assert f"{DATA} is UPDATE_ROLLBACK_COMPLETE" in ended.said
    assert "  It: the token is being rotated" in ended.said
    assert "Old" not in ended.said, "of an earlier update"


@pytest.mark.plan("2.4")
def test_what_had_to_wait_is_not_taken_for_delivered(run: Run) -> None:
    ended = executed(run, {}, "monitoring")
    assert ended.status == 1
    asked = [given for name, given in ended.called if name.endswith(":ExecuteChangeSet")]
    assert asked == [{"ChangeSetName": f"{name}-arn"} for name in BOTH]
    assert "monitoring need what was just deployed" in ended.said
