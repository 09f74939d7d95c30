"""Small stacks in each state that a stack may be left in."""

import json
import uuid

from emulator.aws.waiting import wait_until
from rehearsal.common.rehearsal import Rehearsal

FIRST, SECOND = "AWS::SecretsManager::Secret", "AWS::SNS::Topic"
FAILED = "Secret"  # the logical id of what fails last, where something can be skipped or retained
_SETTLED = 120  # seconds

Operation = tuple[str, str]
# What is asked of CloudFormation, and the operations that fail meanwhile.
_WAYS: dict[str, tuple[str, tuple[Operation, ...]]] = {
    "REVIEW_IN_PROGRESS": ("review", ()),
    "ROLLBACK_COMPLETE": ("create", ((SECOND, "create"),)),
    "ROLLBACK_FAILED": ("create", ((SECOND, "create"), (FIRST, "delete"))),
    "CREATE_FAILED": ("create", ((SECOND, "create"),)),
    "UPDATE_FAILED": ("update", ((SECOND, "update"),)),
    "UPDATE_ROLLBACK_FAILED": ("update", ((SECOND, "update"), (FIRST, "revert"))),
    "DELETE_FAILED": ("delete", ((FIRST, "delete"),)),
    "UPDATE_IN_PROGRESS": ("update", ()),
}


def in_state(rehearsal: Rehearsal, status: str) -> str:
    """Make one and return its name; a state in which something lasts ends with the next one."""
    name, client = f"small-{uuid.uuid4().hex[:8]}", rehearsal.aws("cloudformation")
    asked, failing = _WAYS[status]
    rehearsal.ask("release")
    if asked == "review":
        client.create_change_set(
            StackName=name, ChangeSetName="one", ChangeSetType="CREATE", TemplateBody=_body("old")
        )
        return name
    if asked != "create":
        client.create_stack(StackName=name, TemplateBody=_body("old"))
        settled(rehearsal, name, "CREATE_COMPLETE")
    for kind, operation in failing:
        rehearsal.ask("fail_once", kind=kind, operation=operation)
    if status == "UPDATE_IN_PROGRESS":
        rehearsal.ask("hold", kind=FIRST, operation="update")
    paused = {"DisableRollback": True} if status in ("CREATE_FAILED", "UPDATE_FAILED") else {}
    if asked == "delete":
        client.delete_stack(StackName=name)
    else:
        change = client.create_stack if asked == "create" else client.update_stack
        change(StackName=name, TemplateBody=_body("new"), **paused)
    settled(rehearsal, name, status)
    return name


def _body(description: str) -> str:
    secret = {"SecretString": "x", "Description": description}
    topic = {"DisplayName": description}
    return json.dumps(
        {
            "Resources": {
                "Secret": {"Type": FIRST, "Properties": secret},
                "Topic": {"Type": SECOND, "DependsOn": "Secret", "Properties": topic},
            }
        }
    )


def settled(rehearsal: Rehearsal, name: str, status: str) -> None:
    """Wait until the stack has this status; TimeoutError if it does not come."""
    client = rehearsal.aws("cloudformation")

    def there() -> bool | None:
        (stack,) = client.describe_stacks(StackName=name)["Stacks"]
        return stack["StackStatus"] == status or None

    wait_until(there, seconds=_SETTLED, what=f"{name} to be {status}")
