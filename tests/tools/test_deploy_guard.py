"""A deployment that changes the user waits until one password is left; any other may go."""

import copy
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from shared.versions import CURRENT_SINCE
from tests.support import Document
from tests.tools.account import ACTIVE_USER, GONE, TEMPLATE, Case, Run, group
from tools import deploy_guard
from tools.deploy_guard import GROUP, LOGIN

pytestmark = pytest.mark.plan("2.3")

USER, USERS = LOGIN
USER_STATE, USERS_STATE = "elasticache:DescribeUsers", "elasticache:DescribeUserGroups"
REST: Document = {}
BUSY = {"Users[].Status": "modifying"}
OURS = {
    "ReplicationGroupId": "vibewell-redis",
    "UserId": "vibewell-redis-default",
    "UserGroupId": "vibewell-redis-users",
    "Name": "/vibewell/production/redis/REDIS_PASSWORD_SECRET_ARN",
}


def other(kind: str) -> Document:
    """The deployed template has another property in each resource of a type."""
    body = copy.deepcopy(TEMPLATE)
    for one in body["Resources"].values():
        one["Metadata"] = {"aws:cdk:path": "another"}  # no difference
        if one["Type"] == kind:
            one["Properties"]["Description"] = "other words"
    return {"cloudformation:GetTemplate": {"TemplateBody": body}}


def gone(kind: str = GROUP, **policy: str) -> Document:
    """The deployed template has a resource that the checkout does not have any more."""
    body = copy.deepcopy(TEMPLATE)
    body["Resources"]["Gone"] = {"Type": kind, "Properties": {}, **policy}
    return {"cloudformation:GetTemplate": {"TemplateBody": body}}


def added(kind: str) -> Document:
    """The deployed template does not have yet what the checkout has of this type."""
    body = copy.deepcopy(TEMPLATE)
    body["Resources"] = {n: one for n, one in body["Resources"].items() if one["Type"] != kind}
    return {"cloudformation:GetTemplate": {"TemplateBody": body}}


def token(*labels: str, hours: float | None = None) -> Document:
    """Versions with these labels; AWSCURRENT moved so long ago, if that is known."""
    found: Document = {"VersionIdsToStages": {f"v{n}": [one] for n, one in enumerate(labels)}}
    if hours is not None:
        moved = datetime.now(UTC) - timedelta(hours=hours)
        value = f"v0 v1 {moved.isoformat(timespec='seconds')}"
        found["Tags"] = [{"Key": CURRENT_SINCE, "Value": value}]
    return {"secretsmanager:DescribeSecret": found}


MOVED = ("AWSCURRENT", "AWSPREVIOUS")
ROTATED = token("AWSCURRENT", "AWSPENDING")


@pytest.mark.parametrize(
    ("kind", "answers", "says"),
    [
        *((kind, REST, None) for kind in (USER, USERS, GROUP)),
        (USER, token(*MOVED, hours=24.1), None),
        (USER, {"ssm:GetParameter": "ParameterNotFound"} | ROTATED, None),  # not deployed
        *((kind, ROTATED, "is being rotated.*Try again in 25 min") for kind in LOGIN),
        # What is left of the 24 hours, then 20 min for the change and two runs of the schedule.
        (USER, lambda: token(*MOVED, hours=20), "not retired yet.*Try again in 4 h 30 min"),
        (USER, token(*MOVED), "not retired yet.*Try again in 24 h 30 min"),
        (USER, group(Status="modifying"), "is modifying.*takes no second change"),
        (USER, {USER_STATE: ACTIVE_USER | BUSY}, "is modifying.*takes no second change"),
        (USER, {USERS_STATE: {"UserGroups[].Status": "modifying"}}, "is modifying.*no second"),
        (
            USER,
            {USER_STATE: ACTIVE_USER | {"Users[].Authentication.PasswordCount": 2}},
            "has 2 passwords.*Try again in 25 min",
        ),
        (GROUP, ROTATED | {USER_STATE: ACTIVE_USER | BUSY}, None),
        (GROUP, group(Status="modifying"), "is modifying.*takes no second change"),
        (GROUP, GONE, "no group vibewell-redis.*make restore ENV=production"),
        ("AWS::KMS::Key", ROTATED | group(Status="modifying"), None),
        ("no such type", ROTATED | group(Status="modifying"), None),
        (GROUP, gone(), r"Gone \(.*ReplicationGroup\) would be deleted"),
        *((GROUP, gone(DeletionPolicy=f"Retain{on}"), None) for on in ("", "ExceptOnCreate")),
        *((USER, how(USER) | ROTATED, "is being rotated") for how in (added, gone)),
    ],
)
def test_what_a_deployment_changes_decides_what_it_waits_for(
    kind: str, answers: Document | Callable[[], Document], says: str | None, run: Run
) -> None:
    given = answers() if callable(answers) else answers  # a time of day counts from this moment
    ended = run(Case(deploy_guard.main, "production", "", other(kind) | given))
    assert ended.status == int(says is not None), ended.said
    assert re.search(says or "", ended.said), ended.said
    assert ended.changes == []
    for _, asked in ended.called:  # of this environment's, and of nobody else's
        assert all(OURS.get(key, value) == value for key, value in asked.items()), asked
