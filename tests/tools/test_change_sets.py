"""What ends a preparation or an execution, said to the one who started it."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from tools.assembly import Stack
from tools.change_sets import changes, record
from tools.change_sets.execute import execute
from tools.change_sets.prepare import Preparation, document, in_order
from tools.change_sets.record import Prepared, Record
from tools.command import Answer
from tools.stacks.states import STATES

CREATED = datetime(2026, 11, 1, tzinfo=UTC)
CHANGED = datetime(2026, 11, 2, tzinfo=UTC)
BEFORE, THIS = "prepared-0", "prepared-1"
SOON = {"Delay": 0, "MaxAttempts": 3}


def arn(stack: str) -> str:
    return f"arn:aws:cloudformation:us-east-1:111122223333:changeSet/prepared/{stack}"


def stack(name: str, *after: str, protected: bool = True) -> Stack:
    artifact = {
        "dependencies": [*after, "Tree"],
        "properties": {"terminationProtection": protected},
    }
    return Stack(name, {"Resources": {}}, artifact, [])


def there(name: str, **more: Any) -> dict[str, Any]:
    description = {
        "StackName": name,
        "StackId": name,
        "StackStatus": "UPDATE_COMPLETE",
        "CreationTime": CREATED,
        "LastUpdatedTime": CHANGED,
        "EnableTerminationProtection": True,
    }
    return {"Stacks": [description | more]}


def change(kind: str = "AWS::SNS::Topic", **more: Any) -> dict[str, Any]:
    described = {"LogicalResourceId": "It", "ResourceType": kind, "Action": "Modify"}
    return {"Type": "Resource", "ResourceChange": described | more}


class Account:
    """CloudFormation's answers, in their order; a call that is not expected fails the test."""

    def __init__(self) -> None:
        self.client = boto3.client("cloudformation", region_name="us-east-1")
        self.stub = Stubber(self.client)
        self.stub.activate()

    def has(self, name: str, **more: Any) -> None:
        self.stub.add_response("describe_stacks", there(name, **more))

    def withdraws(self, change_set: str, *names: str) -> None:
        for name in names:
            mine = {"ChangeSetName": change_set, "ChangeSetId": arn(name)}
            others = {"ChangeSetName": "by-hand", "ChangeSetId": arn("by-hand")}
            self.stub.add_response("list_change_sets", {"Summaries": [others, mine]})
            self.stub.add_response("delete_change_set", {}, {"ChangeSetName": arn(name)})

    def holds(self, name: str, *found: dict[str, Any], **more: Any) -> None:
        answer = {
            "ChangeSetId": arn(name),
            "Status": "CREATE_COMPLETE",
            "ExecutionStatus": "AVAILABLE",
            "Changes": list(found),
        }
        self.stub.add_response("describe_change_set", answer | more)


@pytest.fixture
def account() -> Account:
    return Account()


def prepare(account: Account, *answers: tuple[int, str]) -> Preparation:
    given = iter(answers)
    return Preparation(account.client, lambda _arguments: next(given), THIS)


def test_stacks_come_after_those_that_they_depend_on() -> None:
    given = [stack("monitoring", "operations"), stack("operations", "data"), stack("data")]
    ordered = in_order({one.name: one for one in given})
    assert [one.name for one in ordered] == ["data", "operations", "monitoring"]


@pytest.mark.plan("2.4")
def test_what_needs_an_export_that_is_only_prepared_waits_for_another_round(
    account: Account,
) -> None:
    stacks = [stack("data"), stack("operations", "data"), stack("monitoring", "operations")]
    for one in stacks:
        account.has(one.name)
    account.withdraws(BEFORE, *(one.name for one in stacks))
    account.holds("data")
    account.holds("data", change())
    account.holds("operations", Status="FAILED", StatusReason="No export named data:A found")
    preparation = prepare(account, (0, ""), (1, "it failed"))
    found = preparation.of("production", stacks)
    assert [one.change_set for one in found.stacks] == [arn("data")]
    assert found.later == ("operations", "monitoring")
    assert "start the delivery again" in "\n".join(document(found, preparation.found))
    account.stub.assert_no_pending_responses()


@pytest.mark.plan("2.4")
def test_a_failed_preparation_leaves_no_change_set_to_execute(account: Account) -> None:
    stacks = [stack("data"), stack("operations", "data")]
    for one in stacks:
        account.has(one.name)
    account.withdraws(BEFORE, "data", "operations")
    account.holds("data")
    account.holds("data", change())
    account.stub.add_client_error("describe_change_set", "ChangeSetNotFound")
    account.withdraws(THIS, "data", "operations")
    with pytest.raises(Answer, match="operations could not be prepared: AccessDenied"):
        prepare(account, (0, ""), (1, "AccessDenied")).of("production", stacks)
    account.stub.assert_no_pending_responses()


def test_a_stack_that_is_not_there_yet_is_deployed_by_hand(account: Account) -> None:
    account.stub.add_client_error(
        "describe_stacks", "ValidationError", "Stack with id data does not exist", 400
    )
    with pytest.raises(Answer, match="make deploy ENV=production once, by hand"):
        prepare(account).of("production", [stack("data")])


@pytest.mark.parametrize("status", [one for one in STATES if not STATES[one].changeable])
def test_a_stack_in_any_state_but_rest_is_refused_with_the_command_on(
    account: Account, status: str
) -> None:
    account.has("data", StackStatus=status)
    account.stub.add_response("describe_stack_events", {"StackEvents": []})
    with pytest.raises(Answer, match=f"prepare: data is {status}: ") as refused:
        prepare(account).of("production", [stack("data")])
    assert re.search("--stack-name data|make deploy ENV=production|make stacks", str(refused.value))


@pytest.mark.plan("2.4")
def test_termination_protection_is_not_changed_on_the_way(account: Account) -> None:
    account.has("data")
    with pytest.raises(Answer, match=r"termination_protection.*in no change set"):
        prepare(account).of("production", [stack("data", protected=False)])


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
    found = list(changes.losses("data", [change(kind, **described)["ResourceChange"]]))
    assert found == ([f"data: It ({kind}) would be {lost}"] if lost else [])


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    written = Record("production", (Prepared("data", arn("data"), "t"),), ("operations",))
    record.save(written, tmp_path)
    assert record.load("production", tmp_path) == written


def prepared(*later: str) -> Record:
    stacks = ("data", "operations")
    return Record(
        "production",
        tuple(Prepared(name, arn(name), CHANGED.isoformat()) for name in stacks),
        later,
    )


@pytest.mark.plan("2.4")
def test_nothing_is_executed_unless_every_stack_is_as_it_was_prepared(account: Account) -> None:
    account.has("data")
    account.holds("data")
    account.has("operations")
    account.holds("operations", ExecutionStatus="OBSOLETE")
    with pytest.raises(Answer, match=r"operations is OBSOLETE. Nothing was executed"):
        execute(prepared(), account.client, lambda _line: None, SOON)
    account.stub.assert_no_pending_responses()


@pytest.mark.plan("2.4")
def test_the_stacks_after_one_that_failed_are_left_alone_and_the_reason_is_told(
    account: Account,
) -> None:
    for name in ("data", "operations"):
        account.has(name)
        account.holds(name)
    account.stub.add_response("execute_change_set", {}, {"ChangeSetName": arn("data")})
    account.has("data", StackStatus="UPDATE_ROLLBACK_COMPLETE")
    account.has("data", StackStatus="UPDATE_ROLLBACK_COMPLETE")
    event = {"StackId": "data", "EventId": "e", "StackName": "data", "Timestamp": CHANGED}
    events = [
        ("It", "UPDATE_FAILED", "the token is being rotated"),
        ("data", "UPDATE_IN_PROGRESS", "User Initiated"),
        ("It", "UPDATE_FAILED", "of last year"),
    ]
    told = [
        event
        | {
            "LogicalResourceId": name,
            "PhysicalResourceId": name,
            "ResourceStatus": status,
            "ResourceStatusReason": why,
        }
        for name, status, why in events
    ]
    account.stub.add_response("describe_stack_events", {"StackEvents": told})
    with pytest.raises(Answer) as failure:
        execute(prepared(), account.client, lambda _line: None, SOON)
    assert "data is UPDATE_ROLLBACK_COMPLETE" in str(failure.value)
    assert "It: the token is being rotated" in str(failure.value)
    assert "last year" not in str(failure.value)
    account.stub.assert_no_pending_responses()


@pytest.mark.plan("2.4")
def test_what_had_to_wait_is_not_taken_for_delivered(account: Account) -> None:
    for name in ("data", "operations"):
        account.has(name)
        account.holds(name)
    for name in ("data", "operations"):
        account.stub.add_response("execute_change_set", {}, {"ChangeSetName": arn(name)})
        account.has(name)
    with pytest.raises(Answer, match="monitoring need what was just deployed"):
        execute(prepared("monitoring"), account.client, lambda _line: None, SOON)
    account.stub.assert_no_pending_responses()
