"""Commands that change something take answers with the fields that every sample of AWS's has."""

from pathlib import Path

import pytest

from tests.stacks.test_attached import ATTACHED
from tests.tools.account import (
    ACTIONS,
    DATA,
    GONE,
    ID,
    MAKES,
    OWNERS,
    STATUS,
    SWITCHED,
    UPDATE,
    Case,
    Run,
    stack,
)
from tools import apply_updates, deploy, scale, unblock
from tools.adopt import __main__ as adopt
from tools.change_sets import execute, prepare
from tools.restore import __main__ as restore

ATTACHES = {"elasticache:ModifyReplicationGroup": SWITCHED}
CASES = {
    "deploy": Case(deploy.main, "production - 1 true", ""),
    "deploy again": Case(
        deploy.main,
        f"production {DATA} 1 true",
        "",
        stack(
            "ROLLBACK_COMPLETE",
            *(("It", "DELETE_COMPLETE"), ("data", "ROLLBACK_IN_PROGRESS")),
            *(("It", "CREATE_FAILED"),),
        ),
    ),
    "prepare": Case(prepare.main, "production cdk", "| text-001 | text-001 | changed"),
    "execute": Case(execute.main, "production", f"{DATA}: deployed"),
    "execute, rolled back": Case(
        execute.main,
        "production",
        "It: UPDATE_FAILED",
        after={
            "cloudformation:ExecuteChangeSet": stack(
                "UPDATE_ROLLBACK_COMPLETE",
                *(("It", "UPDATE_FAILED"), ("data", "UPDATE_IN_PROGRESS")),
            )
        },
        status=1,
    ),
    "restore nothing": Case(
        restore.main, "production none", "is available with 1 nodes", GONE, MAKES
    ),
    "restore": Case(
        restore.main,
        f"production kept {ID}",
        "is available with 1 nodes",
        after={"elasticache:DeleteReplicationGroup": GONE, **MAKES},
    ),
    "scale": Case(
        scale.main, "production cache.m6g.large - production cdk", "production is scaled"
    ),
    "adopt": Case(adopt.main, "production", "It is AWSCURRENT", OWNERS),
    "adopt, attach": Case(
        adopt.main,
        f"production {ID} logs,events 1",
        "production is attached",
        OWNERS,
        ATTACHES,
        settings=ATTACHED,
    ),
    "adopt, undo": Case(
        adopt.main, f"production - - - {ID}", "The group, its data", SWITCHED, settings=ATTACHED
    ),
    "apply-updates": Case(
        apply_updates.main,
        "production",
        "✓ text-001",
        after={"elasticache:BatchApplyUpdateAction": {ACTIONS: UPDATE | {STATUS: "complete"}}},
    ),
    "unblock": Case(unblock.main, "production mfa user=42", "user 42 may use all of mfa"),
}


@pytest.mark.parametrize("name", CASES)
def test_a_command_that_changes_something_takes_minimal_answers(name: str, run: Run) -> None:
    ended = run(CASES[name])
    assert CASES[name].says in ended.said
    assert ended.status == CASES[name].status, ended.said


@pytest.mark.parametrize(
    ("name", "operation", "field"),
    [
        ("deploy", "cloudformation__DescribeStacks", "Stacks[].StackStatus"),
        ("restore", "cloudformation__GetTemplate", "TemplateBody"),
        ("apply-updates", "elasticache__DescribeUserGroups", "UserGroups[].Status"),
        ("scale", "elasticache__DescribeUsers", "Users[].Authentication.Type"),
        ("unblock", "ssm__GetParametersByPath", "Parameters[].Value"),
    ],
)
def test_a_field_that_every_sample_has_and_an_answer_lacks_is_one_line(
    name: str, operation: str, field: str, run: Run, tmp_path: Path
) -> None:
    ended = run(CASES[name], **{operation: {field: None}})
    assert ended.status == 1
    assert f"AWS's answer to {operation.replace('__', ' ')} has no {field}," in ended.said
    assert not (tmp_path / "fault.txt").exists()
