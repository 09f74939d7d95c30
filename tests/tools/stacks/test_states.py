"""Every state of a stack has a meaning, a command on, and its place in the documents."""

import re
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from tests.support import ROOT
from tools.command import Answer
from tools.stacks.creation import make_way
from tools.stacks.leftovers import left, leftovers
from tools.stacks.states import STATES, explained, require_deployable

PAGE = (ROOT / "docs" / "operate" / "stack-states.md").read_text()
NAME = "vibewell-redis-production-monitoring"
STACK_ID = f"arn:aws:cloudformation:us-east-1:111122223333:stack/{NAME}/1"
KEY = ("AWS::KMS::Key", "Key", "1234-key")
TOPIC = ("AWS::SNS::Topic", "Topic", "arn:topic")
STACK = ("AWS::CloudFormation::Stack", NAME, STACK_ID)
Event = tuple[tuple[str, str, str], str, str]


class CloudFormation:
    """Answers in their order; a call that is not expected fails the test."""

    def __init__(self) -> None:
        self.client = boto3.client("cloudformation", "us-east-1")
        self.stub = Stubber(self.client)
        self.stub.activate()

    def has(self, status: str, *, protected: bool = True) -> dict[str, Any]:
        stack = {
            "StackName": NAME,
            "StackId": STACK_ID,
            "StackStatus": status,
            "CreationTime": "2026-11-30T00:00:00Z",
            "EnableTerminationProtection": protected,
        }
        self.stub.add_response("describe_stacks", {"Stacks": [stack]})
        return stack

    def has_none(self) -> None:
        says = f"Stack with id {NAME} does not exist"
        self.stub.add_client_error("describe_stacks", "ValidationError", says)

    def tells(self, *events: Event) -> None:
        """Events, the oldest first, as a reader reads them."""
        described = [
            {
                "StackId": STACK_ID,
                "StackName": NAME,
                "EventId": "e",
                "Timestamp": "2026-11-30T00:00:00Z",
                "ResourceType": kind,
                "LogicalResourceId": logical,
                "PhysicalResourceId": "" if status == "CREATE_FAILED" else physical,
                "ResourceStatus": status,
                "ResourceStatusReason": reason,
            }
            for (kind, logical, physical), status, reason in reversed(events)
        ]
        self.stub.add_response("describe_stack_events", {"StackEvents": described})

    def unprotects(self) -> None:
        """Of the stack by its id, and of nothing else."""
        expected = {"StackName": STACK_ID, "EnableTerminationProtection": False}
        self.stub.add_response("update_termination_protection", {}, expected)


FAILED_CREATION: tuple[Event, ...] = (
    (STACK, "CREATE_IN_PROGRESS", "User Initiated"),
    (KEY, "CREATE_COMPLETE", ""),
    (TOPIC, "CREATE_FAILED", "Could not parse SecretString JSON"),
    (STACK, "ROLLBACK_IN_PROGRESS", "Rollback requested by user"),
)
GONE: Event = (KEY, "DELETE_COMPLETE", "")
KEPT: Event = (KEY, "DELETE_SKIPPED", "")


@pytest.fixture
def aws() -> Iterator[CloudFormation]:
    made = CloudFormation()
    yield made
    made.stub.assert_no_pending_responses()


def test_every_status_of_cloudformation_is_known(aws: CloudFormation) -> None:
    shape = aws.client.meta.service_model.shape_for("StackStatus")
    assert STATES.keys() == set(shape.enum) - {"DELETE_COMPLETE"}  # which is no stack any more


@pytest.mark.plan("8")
@pytest.mark.parametrize("status", STATES)
def test_each_state_is_in_the_document_with_its_commands(status: str) -> None:
    state = STATES[status]
    if status.endswith("_IN_PROGRESS") and not state.deployable:
        assert "## Operations in progress" in PAGE
    else:
        assert f"`{status}`" in PAGE
        assert not state.todo or state.deployable or re.search(f"^##+ {status}$", PAGE, re.M)
    for command in re.findall(r"^ +(aws .*)$", state.todo, re.M):
        words = command.replace("{failed}", "<logical id>")
        pattern = re.escape(words).replace(r"\{stack\}", "<[a-z ]+>")
        assert re.search(pattern, PAGE), command


@pytest.mark.parametrize("status", [one for one in STATES if not STATES[one].deployable])
def test_a_deployment_is_refused_with_what_failed_and_the_command(
    aws: CloudFormation, status: str
) -> None:
    aws.has(status)
    aws.tells((STACK, "UPDATE_IN_PROGRESS", ""), (TOPIC, "UPDATE_FAILED", "no such key"))
    with pytest.raises(Answer) as refused:
        require_deployable(aws.client, [NAME], "production")
    said = str(refused.value)
    assert said.startswith(f"{NAME} is {status}: ")
    assert "\n  Topic: no such key\n" in said
    assert re.search(rf"--stack-name {NAME}|make \w+ ENV=production", said)
    assert "{" not in said


@pytest.mark.parametrize("status", [one for one in STATES if STATES[one].deployable])
def test_from_every_other_state_a_deployment_goes_on(aws: CloudFormation, status: str) -> None:
    aws.has_none()
    aws.has(status)
    require_deployable(aws.client, ["other", NAME], "production")


def test_only_what_failed_in_the_rollback_may_be_skipped(aws: CloudFormation) -> None:
    stack = aws.has("UPDATE_ROLLBACK_FAILED")
    aws.client.describe_stacks()
    aws.tells(
        (STACK, "UPDATE_IN_PROGRESS", ""),
        (KEY, "UPDATE_COMPLETE", ""),
        (TOPIC, "UPDATE_FAILED", "the first failure"),
        (STACK, "UPDATE_ROLLBACK_IN_PROGRESS", ""),
        (KEY, "UPDATE_FAILED", "cannot go back"),
        (STACK, "UPDATE_ROLLBACK_FAILED", "The following resource(s) failed to update: [Key]."),
    )
    said = explained(aws.client, stack, "production")
    assert "--resources-to-skip Key" in said
    assert "cannot go back" in said
    assert "the first failure" not in said


def test_what_was_only_cancelled_and_what_failed_before_are_no_causes(aws: CloudFormation) -> None:
    stack = aws.has("UPDATE_ROLLBACK_COMPLETE")
    aws.client.describe_stacks()
    aws.tells(
        (STACK, "UPDATE_IN_PROGRESS", ""),
        (TOPIC, "UPDATE_FAILED", "of last year"),
        (STACK, "UPDATE_IN_PROGRESS", ""),
        (KEY, "UPDATE_FAILED", "Resource update cancelled"),
        (STACK, "UPDATE_FAILED", "Cannot update export E as it is in use by S."),
    )
    said = explained(aws.client, stack, "production")
    assert f"What failed:\n  {NAME}: Cannot update export E as it is in use by S.\nWhat" in said


@pytest.mark.plan("2.4")
@pytest.mark.parametrize(
    ("last", "recreate", "answer", "says"),
    [
        (GONE, "", NAME, None),
        (KEPT, "", NAME, None),
        (GONE, NAME, None, None),
        (GONE, "", "", "that is not"),
        (GONE, "", "vibewell-redis-production-data", "that is not"),
        (GONE, "", None, f"make deploy ENV=production RECREATE={NAME}"),
        ((KEY, "DELETE_FAILED", "in use"), "", NAME, "were deleted: Key (AWS::KMS::Key 1234-key)"),
        ((KEY, "DELETE_FAILED", "in use"), NAME, None, "were deleted: Key"),
        ((KEY, "CREATE_COMPLETE", ""), NAME, None, "were deleted: Key"),
    ],
)
def test_the_protection_of_a_failed_creation_is_lifted_once_its_name_was_given(
    aws: CloudFormation, last: Event, recreate: str, answer: str | None, says: str | None
) -> None:
    aws.has("ROLLBACK_COMPLETE")
    events = (*FAILED_CREATION, last, (STACK, "ROLLBACK_COMPLETE", ""))
    aws.tells(*events)  # what is left
    questions: list[str] = []

    def ask(question: str) -> str:
        questions.append(question)
        return str(answer)

    if not recreate and last in (GONE, KEPT):
        aws.tells(*events)  # what failed
    if says is None:
        aws.unprotects()
    expected = pytest.raises(Answer, match=re.escape(says)) if says else nullcontext()
    with expected:
        make_way(
            aws.client, [NAME], "production", recreate.split(), None if answer is None else ask
        )
    assert all("Topic: Could not parse SecretString JSON" in one for one in questions)
    assert all(("retained: Key" in one) is (last == KEPT) for one in questions)


@pytest.mark.parametrize("status", [one for one in STATES if one != "ROLLBACK_COMPLETE"])
def test_the_protection_of_no_other_stack_is_lifted(aws: CloudFormation, status: str) -> None:
    aws.has(status)
    make_way(aws.client, [NAME], "production", [], None)
    aws.has(status)
    with pytest.raises(Answer, match=f"RECREATE names {NAME}, which is {status}"):
        make_way(aws.client, [NAME], "production", [NAME], None)


def test_a_name_that_is_no_stack_of_the_environment_is_refused(aws: CloudFormation) -> None:
    aws.has_none()
    with pytest.raises(Answer, match="RECREATE names other, which is not there"):
        make_way(aws.client, [NAME], "production", ["other"], None)


def test_the_protection_stays_where_the_events_are_gone(aws: CloudFormation) -> None:
    aws.has("ROLLBACK_COMPLETE")
    aws.tells((STACK, "ROLLBACK_COMPLETE", ""))
    with pytest.raises(Answer, match=r"do not show .* any of its resources"):
        make_way(aws.client, [NAME], "production", [NAME], None)


@pytest.mark.parametrize(
    ("events", "names"),
    [
        ((*FAILED_CREATION, KEPT), ["1234-key"]),
        ((*FAILED_CREATION, GONE), []),
        # It was created, and later destroyed: its key reads what is left of its data.
        (((STACK, "CREATE_COMPLETE", ""), KEPT, (STACK, "DELETE_COMPLETE", "")), None),
        (((STACK, "UPDATE_ROLLBACK_IN_PROGRESS", ""), KEPT), None),
    ],
)
def test_what_a_failed_creation_left_is_listed_and_nothing_else(
    aws: CloudFormation, events: tuple[Event, ...], names: list[str] | None
) -> None:
    aws.tells(*events)
    kept = left(aws.client, STACK_ID)
    assert names == (None if kept is None else [one["PhysicalResourceId"] for one in kept])


@pytest.mark.parametrize(
    ("state", "listed"), [("Enabled", True), ("PendingDeletion", False), (None, False)]
)
def test_what_was_removed_since_is_not_listed(
    aws: CloudFormation, state: str | None, *, listed: bool
) -> None:
    summary = {"StackName": NAME, "StackId": STACK_ID, "StackStatus": "DELETE_COMPLETE"}
    others = {**summary, "StackName": "other", "StackId": "other"}
    summaries = [{**one, "CreationTime": "2026-11-30T00:00:00Z"} for one in (others, summary)]
    aws.stub.add_response("list_stacks", {"StackSummaries": summaries})
    aws.tells(*FAILED_CREATION, KEPT)
    kms = boto3.client("kms", "us-east-1")
    with Stubber(kms) as stub:
        if state:
            stub.add_response("describe_key", {"KeyMetadata": {"KeyId": "k", "KeyState": state}})
        else:
            stub.add_client_error("describe_key", "NotFoundException")
        clients = {"cloudformation": aws.client, "kms": kms}
        said = "\n".join(leftovers(clients.__getitem__, [NAME]))
    command = "aws kms schedule-key-deletion --pending-window-in-days 30 --key-id 1234-key"
    assert (command in said) is listed
    assert (NAME in said) is listed
