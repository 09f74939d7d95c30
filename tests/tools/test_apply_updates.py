"""Which service updates are applied, and every way in which one is not; see also rehearsal."""

import re
from datetime import UTC, datetime

import pytest

from tests.support import Document
from tests.tools.account import ACTIONS, ACTIVE_USER, GONE, GROUPS, Case, Run, group
from tools import apply_updates
from tools.apply_updates import ENGINE, MAJOR, SECURITY, Update, chosen, table

pytestmark = pytest.mark.plan("7.1")

APPLY = "elasticache:BatchApplyUpdateAction"
OFFERED = [
    Update(name, kind, severity, datetime(2026, 11, 1, tzinfo=UTC), "not-applied", "0/2")
    for name, severity, kind in (
        ("engine", "critical", ENGINE),
        ("major", "critical", MAJOR),
        ("low", "low", SECURITY),
        ("unheard", "unheard", SECURITY),
        ("critical", "critical", SECURITY),
    )
]


@pytest.mark.parametrize(
    ("security_only", "names"),
    [(False, ["critical", "low", "unheard", "engine"]), (True, ["critical", "low", "unheard"])],
)
def test_security_comes_first_by_severity_and_a_major_version_never(
    security_only: bool, names: list[str]
) -> None:
    wanted = chosen(OFFERED, security_only=security_only)
    assert [update.name for update in wanted] == names
    lines = "\n".join(table(OFFERED, wanted))
    assert ("left: not a security update" in lines) is security_only
    assert "· major " in lines
    assert "left: a new major version is the settings' engine line" in lines


def patch(*statuses: str) -> Document:
    """The statuses of one update, one after the other; without one it is not listed."""
    given = {"ServiceUpdateName": "patch", "ServiceUpdateType": SECURITY, "NodesUpdated": "1/2"}
    found = [
        {f"UpdateActions[].{key}": one for key, one in given.items()}
        | {"UpdateActions[].UpdateActionStatus": status}
        for status in statuses
    ]
    return {ACTIONS: found or {"UpdateActions": []}}


WAITS, REFUSED = patch("not-applied"), {"ErrorType": "InvalidState", "ErrorMessage": "busy"}


@pytest.mark.parametrize(
    ("answers", "after", "says"),
    [
        (GONE | {"ssm:GetParameter": "ParameterNotFound"}, {}, "no replication group .* Deploy"),
        (patch("in-progress"), {}, "patch is in-progress on vibewell-redis, 1/2 nodes.*Run this"),
        (patch("stopping"), {}, "patch is stopping on vibewell-redis"),
        (
            WAITS | {APPLY: {"UnprocessedUpdateActions": [REFUSED]}},
            {},
            "InvalidState, busy.*Nothing was changed",
        ),
        (WAITS, patch("in-progress", "stopped"), "somebody stopped patch when 1/2 nodes"),
        (WAITS, patch("not-applicable"), "a newer update took its place"),
        (WAITS, patch("complete") | GONE, "vibewell-redis was deleted while patch was applied"),
        (WAITS, patch(), "does not list patch any more"),
        (WAITS, patch("in-progress"), "not complete after 60 min: in-progress.*make health"),
    ],
)
def test_an_update_that_is_not_applied_is_no_success(
    answers: Document, after: Document, says: str, run: Run
) -> None:
    ended = run(Case(apply_updates.main, "production", "", answers, {APPLY: after}))
    assert ended.status == 1
    assert re.search(says, ended.said), ended.said
    begins = answers.items() >= WAITS.items()  # and one that is under way is not begun again
    assert ("✗ patch" in ended.said, APPLY in ended.changes) == (begins, begins)


def test_none_is_begun_when_a_rotation_has_begun_meanwhile(run: Run) -> None:
    users = [ACTIVE_USER, ACTIVE_USER | {"Users[].Status": "modifying"}]
    ended = run(
        Case(apply_updates.main, "production", "", WAITS | {"elasticache:DescribeUsers": users})
    )
    assert (ended.status, ended.changes) == (1, [])
    assert "not while the token changes" in ended.said


def test_one_that_was_stopped_is_applied_again_and_waited_for(run: Run) -> None:
    progress = patch("waiting-to-start", "in-progress", "complete")
    progress[GROUPS] = [group(Status="modifying")[GROUPS]] * 4 + [group()[GROUPS]]
    ended = run(Case(apply_updates.main, "production", "", patch("stopped"), {APPLY: progress}))
    assert ended.status == 0
    assert len(ended.slept) == 3, "once more until the group is available"
    assert "patch: in-progress, 1/2 nodes" in ended.said
    assert "✓ patch" in ended.said
    assert ended.request(APPLY)["ServiceUpdateName"] == "patch"
