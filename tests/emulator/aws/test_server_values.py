"""What Systems Manager refuses of a document or an association fails the deployment here too."""

import copy
import uuid
from typing import Any

import pytest

from tests.emulator.aws.conftest import Stacks, resource

Template = dict[str, Any]


@pytest.fixture
def good() -> Template:
    """A document and the association that runs it."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    inputs = {"runCommand": ["echo {{ Act }}"]}
    content = {
        "schemaVersion": "2.2",
        "parameters": {"Act": {"type": "String", "default": "a", "allowedValues": ["a", "b"]}},
        "mainSteps": [{"action": "aws:runShellScript", "name": "step", "inputs": inputs}],
    }
    document = {"Name": name, "DocumentType": "Command", "Content": content}
    return {
        "Document": resource("SSM::Document", **document),
        "Association": resource(
            "SSM::Association",
            Name={"Ref": "Document"},
            Parameters={"Act": ["b"]},
            Targets=[{"Key": "tag:role", "Values": ["application"]}],
            ScheduleExpression="rate(30 minutes)",
        ),
    }


@pytest.mark.parametrize(
    ("where", "value", "why"),
    [
        ("Document.Content.schemaVersion", "0.3", "schemaVersion 2.2"),
        ("Document.Content.parameters.Act.default", "c", "not among its allowedValues"),
        ("Document.Content.mainSteps.0.inputs.runCommand", ["{{ Other }}"], "is no parameter"),
        ("Document.Content.mainSteps.0.name", "two words", "a step is called"),
        ("Document.DocumentType", 5, "Invalid type for parameter DocumentType"),
        ("Association.Name", "test-no-such-document", "there is no document"),
        ("Association.Parameters", {"Act": ["c"]}, "InvalidParameters"),
        ("Association.Parameters", {"Other": ["a"]}, "InvalidParameters"),
        ("Association.ScheduleExpression", "rate(5 minutes)", "every 30 minutes at most"),
        ("Association.Sometimes", True, "Unknown parameter"),
    ],
)
def test_what_systems_manager_refuses_is_refused(
    stacks: Stacks, good: Template, where: str, value: object, why: str
) -> None:
    name, *path, last = where.split(".")
    template = copy.deepcopy(good)
    target: Any = template[name]["Properties"]
    for step in path:
        target = target[int(step) if step.isdigit() else step]
    target[last] = value
    assert why in stacks.refused(template)


def test_a_change_that_would_make_a_second_document_of_the_name_is_refused(
    stacks: Stacks, good: Template
) -> None:
    stack = stacks.create(good)
    changed = copy.deepcopy(good)
    changed["Document"]["Properties"]["Content"]["description"] = "another"
    assert stacks.update(stack, changed) == "UPDATE_ROLLBACK_COMPLETE"
    assert "UpdateMethod is Replace" in stacks.reasons(stack)
    changed["Document"]["Properties"]["UpdateMethod"] = "NewVersion"
    assert stacks.update(stack, changed) == "UPDATE_COMPLETE", stacks.reasons(stack)
