"""Small stacks in each state, and each type of resource failing at its creation and update."""

import json
import uuid
from collections.abc import Iterable
from typing import Any

from rehearsal.common import steps
from rehearsal.common.deployed import described
from rehearsal.common.errors import expect
from rehearsal.common.rehearsal import Rehearsal
from rehearsal.common.stacks import settled, uploaded
from rehearsal.common.steps import Step

MONITORING = "vibewell-redis-production-monitoring"
DATA = "vibewell-redis-production-data"
FIRST, SECOND = "AWS::SecretsManager::Secret", "AWS::SNS::Topic"
FAILED = "Secret"  # the logical id of what fails last, where something can be skipped or retained

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


STACKS = (DATA, DATA.replace("data", "operations"), MONITORING)
_NOTHING = "AWS::CDK::Metadata"  # no service makes it, so it cannot fail


class EveryType:
    """Its steps are those of a rehearsal in which production is deployed, and is in the end.

    CloudFormation is asked as the CDK command line asks it, by change sets.
    """

    def __init__(self, only: Iterable[str] = ()) -> None:
        """``only`` names types; without them all are tried."""
        self._only = frozenset(only)

    @property
    def steps(self) -> tuple[Step, ...]:
        """The updates first: the creations begin with the deletion of every stack."""
        return (
            ("states: each type fails once at an update", self.update),
            ("states: each type fails once at its creation", self.create),
        )

    def update(self, rehearsal: Rehearsal) -> str:
        """Each is rolled back, the nodes are the same, and the next attempt goes through."""
        made = described(rehearsal)["ReplicationGroupCreateTime"]
        failed = 0
        for stack in STACKS:
            for kind in self._types(rehearsal, stack):
                rehearsal.ask("fail_once", kind=kind, operation="update")
                _execute(rehearsal, stack, "UPDATE", attempt=kind.replace("::", "-"))
                _ended(rehearsal, stack, "UPDATE_ROLLBACK_COMPLETE")
                failed += 1
            _execute(rehearsal, stack, "UPDATE", attempt="the-last")
            _ended(rehearsal, stack, "UPDATE_COMPLETE")
        expect("the group's creation", described(rehearsal)["ReplicationGroupCreateTime"], made)
        return f"{failed} updates rolled back, the nodes are the same"

    def create(self, rehearsal: Rehearsal) -> str:
        """Each leaves nothing that the next attempt would meet, and the last one goes through."""
        steps.lift_protection(rehearsal)
        steps.destroy(rehearsal)
        steps.delete_left_user(rehearsal)
        failed = 0
        for stack in STACKS:
            for kind in self._types(rehearsal, stack):
                rehearsal.ask("fail_once", kind=kind, operation="create")
                _execute(rehearsal, stack, "CREATE")
                _ended(rehearsal, stack, "ROLLBACK_COMPLETE")
                _nothing_is_left(rehearsal, stack, kind)
                _delete(rehearsal, stack)
                failed += 1
            _execute(rehearsal, stack, "CREATE")
            _ended(rehearsal, stack, "CREATE_COMPLETE")
        return f"{failed} creations rolled back, nothing of them is left"

    def _types(self, rehearsal: Rehearsal, stack: str) -> list[str]:
        resources = rehearsal.cdk.template(stack)["Resources"].values()
        found = {resource["Type"] for resource in resources} - {_NOTHING}
        return sorted(found & self._only if self._only else found)


def _execute(rehearsal: Rehearsal, stack: str, kind: str, **tags: str) -> None:
    """A change set of the synthesised template, with these tags besides."""
    client = rehearsal.aws("cloudformation")
    made = client.create_change_set(
        StackName=stack,
        ChangeSetName=f"every-type-{uuid.uuid4().hex[:8]}",
        ChangeSetType=kind,
        TemplateURL=uploaded(rehearsal, rehearsal.cdk.template(stack)),
        Capabilities=["CAPABILITY_IAM"],
        Tags=[{"Key": name, "Value": tags[name]} for name in tags],
    )
    client.execute_change_set(ChangeSetName=made["Id"])


def _ended(rehearsal: Rehearsal, stack: str, status: str) -> None:
    """The operation ended so, and the failure that was asked for came."""
    settled(rehearsal, stack, status)
    expect(f"what was to fail in {stack} and did not", rehearsal.ask("release"), [])


def _nothing_is_left(rehearsal: Rehearsal, stack: str, kind: str) -> None:
    """Each resource's last event is of its deletion, or of a creation that made nothing."""
    events = rehearsal.aws("cloudformation").get_paginator("describe_stack_events")
    last: dict[str, dict[str, Any]] = {}
    for page in events.paginate(StackName=stack):
        for event in page["StackEvents"]:
            last.setdefault(event["LogicalResourceId"], event)
    del last[stack]
    left = [
        f"{name} is {event['ResourceStatus']}"
        for name, event in last.items()
        if event["ResourceStatus"] != "DELETE_COMPLETE" and event.get("PhysicalResourceId")
    ]
    expect(f"what the creation of {stack} left when a {kind} failed", left, [])


def _delete(rehearsal: Rehearsal, stack: str) -> None:
    client = rehearsal.aws("cloudformation")
    (found,) = client.describe_stacks(StackName=stack)["Stacks"]
    client.delete_stack(StackName=stack)
    settled(rehearsal, found["StackId"], "DELETE_COMPLETE")
