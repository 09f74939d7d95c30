"""Every state of a stack has a meaning, a command on, and its place in the documents."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.support import ROOT, Document
from tests.tools.account import CLOUDFORMATION, DATA, STACKS, Case, Ended, Run, case, stack
from tools import stacks
from tools.deploy import make_way
from tools.stacks import STATES, explained, find, left, require_deployable

PAGE = (ROOT / "docs" / "operate" / "stack-states.md").read_text()
Event = tuple[str, ...]
# The oldest first, as a reader reads them.
FAILED_CREATION: tuple[Event, ...] = (
    ("data", "CREATE_IN_PROGRESS", "User Initiated"),
    ("Key", "CREATE_COMPLETE"),
    ("Topic", "CREATE_FAILED", "Could not parse SecretString JSON"),
    ("data", "ROLLBACK_IN_PROGRESS", "Rollback requested by user"),
)
GONE, KEPT = ("Key", "DELETE_COMPLETE"), ("Key", "DELETE_SKIPPED")
IN_USE = ("Key", "DELETE_FAILED", "in use")


def done(run: Run, work: Callable[[], object], status: str, *events: Event, **more: Any) -> Ended:
    """How ``work`` ends on the data stack in this state; it prints what it returns."""
    answers = stack(status, *reversed(events)) | more
    return run(case(work, answers))


def shown(run: Run, status: str, *events: Event) -> str:
    """What the terminal shows of the data stack."""
    described = lambda: explained(CLOUDFORMATION, find(CLOUDFORMATION, DATA) or {}, "production")  # noqa: E731
    return done(run, described, status, *events).said


def test_every_status_of_cloudformation_is_known() -> None:
    shape = CLOUDFORMATION.meta.service_model.shape_for("StackStatus")
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


@pytest.mark.parametrize("status", STATES)
def test_a_deployment_goes_on_or_is_refused_with_what_failed_and_the_command(
    run: Run, status: str
) -> None:
    events = ("data", "UPDATE_IN_PROGRESS"), ("Topic", "UPDATE_FAILED", "no such key")
    found = {STACKS: ["ValidationError", stack(status)[STACKS]]}  # the other is not deployed
    work = lambda: require_deployable(CLOUDFORMATION, ["other", DATA], "production")  # noqa: E731
    ended = done(run, work, status, *events, **found)
    assert ended.status == int(not STATES[status].deployable)
    if ended.status:
        assert ended.said.startswith(f"{DATA} is {status}: ")
        assert "\n  Topic: no such key\n" in ended.said
        assert re.search(rf"--stack-name {DATA}|make \w+ ENV=production", ended.said)
        assert "{" not in ended.said


def test_only_what_failed_in_the_rollback_may_be_skipped(run: Run) -> None:
    said = shown(
        run,
        "UPDATE_ROLLBACK_FAILED",
        ("data", "UPDATE_IN_PROGRESS"),
        ("Key", "UPDATE_COMPLETE"),
        ("Topic", "UPDATE_FAILED", "the first failure"),
        ("data", "UPDATE_ROLLBACK_IN_PROGRESS"),
        ("Key", "UPDATE_FAILED", "cannot go back"),
        ("data", "UPDATE_ROLLBACK_FAILED", "The following resource(s) failed to update: [Key]."),
    )
    assert re.search("--resources-to-skip Key$", said, re.M)
    assert "cannot go back" in said
    assert "the first failure" not in said


def test_the_causes_are_in_their_order_without_what_was_cancelled_or_failed_before(
    run: Run,
) -> None:
    said = shown(
        run,
        "UPDATE_ROLLBACK_COMPLETE",
        ("data", "UPDATE_IN_PROGRESS"),
        ("Topic", "UPDATE_FAILED", "of last year"),
        ("data", "UPDATE_IN_PROGRESS"),
        ("Topic", "UPDATE_FAILED", "the first"),
        ("Key", "UPDATE_FAILED", "Resource update cancelled"),
        ("data", "UPDATE_FAILED", "Cannot update export E as it is in use by S."),
    )
    second = "data: Cannot update export E as it is in use by S."
    assert f"What failed:\n  Topic: the first\n  {second}\nWhat" in said


@pytest.mark.plan("2.4")
@pytest.mark.parametrize(
    ("events", "recreate", "answer", "says"),
    [
        ((*FAILED_CREATION, GONE), "", DATA, None),
        ((*FAILED_CREATION, KEPT), "", DATA, None),
        ((*FAILED_CREATION, GONE), DATA, None, None),
        ((*FAILED_CREATION, GONE), "", "", "that is not"),
        ((*FAILED_CREATION, GONE), "", "another", "that is not"),
        ((*FAILED_CREATION, GONE), "", None, f"make deploy ENV=production RECREATE={DATA}"),
        ((*FAILED_CREATION, IN_USE), "", DATA, "were deleted: Key (AWS::KMS::Key Key)"),
        ((*FAILED_CREATION, IN_USE), DATA, None, "were deleted: Key"),
        ((*FAILED_CREATION, ("Key", "CREATE_COMPLETE")), DATA, None, "were deleted: Key"),
        ((), DATA, None, "do not show that these were deleted: any of its resources"),
    ],
)
def test_the_protection_of_a_failed_creation_is_lifted_once_its_name_was_given(
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    events: tuple[Event, ...],
    recreate: str,
    answer: str | None,
    says: str | None,
) -> None:
    questions: list[str] = []

    def asked(question: str) -> str:
        questions.append(question)
        return str(answer)

    monkeypatch.setattr("sys.stdin.isatty", lambda: answer is not None)
    monkeypatch.setattr("builtins.input", asked)
    work = lambda: make_way(CLOUDFORMATION, [DATA], "production", recreate.split())  # noqa: E731
    status = "ROLLBACK_COMPLETE"
    ended = done(run, work, status, *events, ("data", status))
    if says is None:
        given = ended.request("cloudformation:UpdateTerminationProtection")
        assert given == {"StackName": "data", "EnableTerminationProtection": False}  # by its id
        assert len(ended.changes) == 1
    else:
        assert (ended.status, ended.changes) == (1, [])
        assert says in ended.said
    assert bool(questions) is (not recreate and answer is not None and IN_USE not in events)
    assert all("Topic: Could not parse SecretString JSON" in one for one in questions)
    assert all(("retained: Key" in one) is (KEPT in events) for one in questions)


@pytest.mark.parametrize("status", [one for one in STATES if one != "ROLLBACK_COMPLETE"])
def test_the_protection_of_no_other_stack_is_lifted(run: Run, status: str) -> None:
    for recreate, says in (
        ([], None),
        ([DATA], f"RECREATE names {DATA}, which is {status}"),
        (["other"], "RECREATE names other, which is not there"),
    ):
        work = lambda given=recreate: make_way(CLOUDFORMATION, [DATA], "production", given)  # noqa: E731
        ended = done(run, work, status)
        assert (ended.status, ended.changes) == (int(bool(recreate)), [])
        assert (says or "") in ended.said


@pytest.mark.parametrize(
    ("events", "left_over"),
    [
        ((*FAILED_CREATION, KEPT), ["Key"]),
        ((*FAILED_CREATION, GONE), []),
        # It was created, and later destroyed: its key reads what is left of its data.
        ((("data", "CREATE_COMPLETE"), KEPT, ("data", "DELETE_COMPLETE")), None),
        ((("data", "UPDATE_ROLLBACK_IN_PROGRESS"), KEPT), None),
    ],
)
def test_what_a_failed_creation_left_is_listed_and_nothing_else(
    run: Run, events: tuple[Event, ...], left_over: list[str] | None
) -> None:
    def names() -> list[str] | None:
        found = left(CLOUDFORMATION, "data")
        return None if found is None else [one["PhysicalResourceId"] for one in found]

    assert done(run, names, "", *events).said == f"{left_over}\n"


@pytest.mark.parametrize(
    ("key", "listed"),
    [
        ({"KeyMetadata": {"KeyState": "Enabled"}}, True),
        ({"KeyMetadata": {"KeyState": "PendingDeletion"}}, False),
        ("NotFoundException", False),
    ],
)
def test_what_was_removed_since_is_not_listed(
    key: Document | str, *, listed: bool, run: Run
) -> None:
    summaries = [
        {"StackName": name, "StackId": "data", "StackStatus": "DELETE_COMPLETE"}
        for name in ("other", DATA)
    ]
    answers = stack("UPDATE_COMPLETE", *reversed((*FAILED_CREATION, KEPT)))
    # Its name was taken already: it is somebody else's.
    taken = {"LogicalResourceId": "Bucket", "ResourceType": "AWS::S3::Bucket", "StackId": "data"}
    taken |= {"PhysicalResourceId": "theirs", "ResourceStatus": "CREATE_FAILED"}
    answers["cloudformation:DescribeStackEvents"]["StackEvents"].append(taken)
    answers |= {"cloudformation:ListStacks": {"StackSummaries": summaries}, "kms:DescribeKey": key}
    said = run(Case(stacks.main, "production", "", answers)).said
    command = "aws kms schedule-key-deletion --pending-window-in-days 30 --key-id Key"
    assert (said.count(command), said.count("A creation of")) == (int(listed), int(listed))
    assert (f"A creation of {DATA} failed and left AWS::KMS::Key Key" in said) is listed
