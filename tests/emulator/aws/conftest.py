"""Small stacks and functions on the embedded AWS, and waiting for what happens there."""

import io
import json
import textwrap
import uuid
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from emulator.nodes.waiting import wait_until
from rehearsal.common.rehearsal import Clients, Rehearsal

PATIENCE = 120  # seconds


def eventually(look: Callable[[], Any], what: str) -> Any:
    """The first truthy answer of `look`; the test fails when there is none in time."""
    return wait_until(lambda: look() or None, seconds=PATIENCE, what=what)


def resource(
    kind: str, *, after: Any = "", deletion_policy: Any = "", **properties: Any
) -> dict[str, Any]:
    """A resource of a template, made after another one, with this policy when it is deleted."""
    more = {"DependsOn": after, "DeletionPolicy": deletion_policy}
    given = {name: value for name, value in more.items() if value}
    return {"Type": f"AWS::{kind}", "Properties": properties, **given}


Make = Callable[..., str]  # a function of some code; its ARN
Look = Callable[..., Any]  # what the embedded AWS shows under /_rehearsal/


class Stacks:
    """Deploys templates over the CloudFormation API and waits for the outcome."""

    def __init__(self, aws: Clients) -> None:
        self.aws = aws
        self._cloudformation = aws("cloudformation")
        self._names: list[str] = []

    def create(self, resources: dict[str, Any], name: str | None = None, **more: Any) -> str:
        """Create a stack and return its name, whatever came of it."""
        name = name or f"test-{uuid.uuid4().hex[:8]}"
        body = json.dumps({"Resources": resources, **more})
        self._cloudformation.create_stack(StackName=name, TemplateBody=body)
        self._names.append(name)
        self.settled(name)
        return name

    def created(self, resources: dict[str, Any], name: str | None = None, **more: Any) -> str:
        """Create a stack, which must succeed, and return its name."""
        name = self.create(resources, name, **more)
        assert self.status(name) == "CREATE_COMPLETE", self.reasons(name)
        return name

    def refused(self, resources: dict[str, Any]) -> str:
        """Create a stack, which must fail and be rolled back, and return why."""
        name = self.create(resources)
        assert self.status(name) == "ROLLBACK_COMPLETE"
        return self.reasons(name)

    def update(self, name: str, resources: dict[str, Any], **more: Any) -> str:
        """Update a stack and return the status it ends in."""
        body = json.dumps({"Resources": resources, **more})
        self._cloudformation.update_stack(StackName=name, TemplateBody=body)
        return self.settled(name)

    def delete(self, name: str) -> None:
        """Delete a stack and wait until it is gone."""
        self._cloudformation.delete_stack(StackName=name)
        eventually(lambda: not self._there(name), f"{name} is deleted")

    def settled(self, name: str) -> str:
        """The status once it no longer is in progress."""
        return str(
            eventually(
                lambda: None if self.status(name).endswith("_IN_PROGRESS") else self.status(name),
                f"{name} settles",
            )
        )

    def status(self, name: str) -> str:
        """The stack's status now."""
        stacks = self._cloudformation.describe_stacks(StackName=name)["Stacks"]
        return str(stacks[0]["StackStatus"])

    def physical_id(self, name: str, logical_id: str) -> str:
        """What CloudFormation made of a resource."""
        detail = self._cloudformation.describe_stack_resource(
            StackName=name, LogicalResourceId=logical_id
        )
        return str(detail["StackResourceDetail"]["PhysicalResourceId"])

    def reasons(self, name: str) -> str:
        """Why things failed, in one text."""
        events = self._cloudformation.describe_stack_events(StackName=name)["StackEvents"]
        return "\n".join(e.get("ResourceStatusReason", "") for e in events)

    def clean_up(self) -> None:
        """Delete what a test left."""
        for name in reversed(self._names):  # what imports goes before what exports
            if self._there(name):
                self._cloudformation.update_termination_protection(
                    StackName=name, EnableTerminationProtection=False
                )
                self.delete(name)

    def _there(self, name: str) -> bool:
        pages = self._cloudformation.list_stacks()["StackSummaries"]
        return any(s["StackName"] == name and s["StackStatus"] != "DELETE_COMPLETE" for s in pages)


@pytest.fixture
def aws(embedded_aws: Rehearsal) -> Clients:
    """Clients of the embedded AWS."""
    return embedded_aws.aws


@pytest.fixture
def stacks(aws: Clients) -> Iterator[Stacks]:
    """Stacks that are gone after the test."""
    stacks = Stacks(aws)
    yield stacks
    stacks.clean_up()


@pytest.fixture
def look(embedded_aws: Rehearsal) -> Look:
    """What the embedded AWS shows under /_rehearsal/."""
    return embedded_aws.ask


@pytest.fixture
def function(aws: Clients) -> Make:
    """Makes a function of the given code, with a role of its own; returns its ARN."""

    def make(code: str, *, allowed_to: str | None = None) -> str:
        name = f"test-{uuid.uuid4().hex[:8]}"
        role = aws("iam").create_role(RoleName=name, AssumeRolePolicyDocument="{}")["Role"]
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as zipped:
            zipped.writestr("handler.py", textwrap.dedent(code))
        created = aws("lambda").create_function(
            FunctionName=name,
            Role=role["Arn"],
            Runtime="python3.12",
            Handler="handler.handle",
            Timeout=30,
            Code={"ZipFile": archive.getvalue()},
        )
        if allowed_to:
            aws("lambda").add_permission(
                FunctionName=name,
                StatementId="allowed",
                Action="lambda:InvokeFunction",
                Principal=allowed_to,
            )
        return str(created["FunctionArn"])

    return make
