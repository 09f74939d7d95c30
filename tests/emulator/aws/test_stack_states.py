"""Which operation a stack takes in which state, as on AWS; and failures that are asked for."""

import json
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rehearsal.common.rehearsal import Clients
from tests.emulator.aws.helpers import Look, Stacks, eventually, resource
from tests.emulator.aws.test_deletion_policies import subnets

__all__ = ["subnets"]

TOPIC, SECRET = "AWS::SNS::Topic", "AWS::SecretsManager::Secret"
KEPT = "RetainExceptOnCreate"


def resources(*, comment: str = "", key_policy: str = KEPT) -> dict[str, Any]:
    """A key, a secret and a topic, in this order."""
    secret = {"SecretString": "x", "Description": comment}
    return {
        "Key": resource("KMS::Key", kept=key_policy, KeyPolicy={}),
        "Secret": resource("SecretsManager::Secret", after="Key", **secret),
        "Topic": resource("SNS::Topic", after="Secret", DisplayName=f"topic {comment}"),
    }


class ChangeSets:
    """CloudFormation as the CDK command line asks it: by change sets."""

    def __init__(self, aws: Clients, stacks: Stacks) -> None:
        self.cloudformation = aws("cloudformation")
        self._stacks = stacks

    def create(self, name: str, kind: str, change_set: str, body: dict[str, Any]) -> str:
        made = self.cloudformation.create_change_set(
            StackName=name,
            ChangeSetName=change_set,
            ChangeSetType=kind,
            TemplateBody=json.dumps({"Resources": body}),
        )
        return str(made["StackId"])

    def execute(self, name: str, change_set: str) -> str:
        self.cloudformation.execute_change_set(StackName=name, ChangeSetName=change_set)
        return self._stacks.settled(name)

    def protect(self, name: str, *, on: bool = True) -> None:
        self.cloudformation.update_termination_protection(
            StackName=name, EnableTerminationProtection=on
        )

    def described(self, name: str) -> dict[str, Any]:
        (stack,) = self.cloudformation.describe_stacks(StackName=name)["Stacks"]
        return dict(stack)


@pytest.fixture
def change_sets(aws: Clients, stacks: Stacks) -> ChangeSets:
    return ChangeSets(aws, stacks)


@pytest.fixture
def name() -> str:
    return f"test-{uuid.uuid4().hex[:8]}"


def test_a_stack_in_review_stays_the_one_it_is_and_protected(
    change_sets: ChangeSets, name: str
) -> None:
    first = change_sets.create(name, "CREATE", "one", resources())
    change_sets.protect(name)
    assert change_sets.create(name, "CREATE", "two", resources()) == first
    assert change_sets.described(name)["StackStatus"] == "REVIEW_IN_PROGRESS"
    with pytest.raises(ClientError, match="REVIEW_IN_PROGRESS state and can not be updated"):
        change_sets.create(name, "UPDATE", "three", resources())
    with pytest.raises(ClientError, match="TerminationProtection is enabled"):
        change_sets.cloudformation.delete_stack(StackName=name)
    assert change_sets.execute(name, "two") == "CREATE_COMPLETE"
    assert change_sets.described(name)["StackId"] == first
    assert change_sets.described(name)["EnableTerminationProtection"] is True


def test_a_creation_that_failed_is_protected_and_takes_neither_update_nor_creation(
    change_sets: ChangeSets, name: str, look: Look
) -> None:
    change_sets.create(name, "CREATE", "one", resources())
    change_sets.protect(name)
    look("fail_once", kind=TOPIC, operation="create")
    assert change_sets.execute(name, "one") == "ROLLBACK_COMPLETE"
    for kind, says in (
        ("UPDATE", r"Stack:arn:\S+ is in ROLLBACK_COMPLETE state and can not be updated"),
        ("CREATE", rf"Stack \[{name}\] already exists and cannot be created again with"),
    ):
        with pytest.raises(ClientError, match=says):
            change_sets.create(name, kind, "two", resources())
    with pytest.raises(ClientError, match="already exists"):
        change_sets.cloudformation.create_stack(StackName=name, TemplateBody="{}")
    with pytest.raises(ClientError, match="TerminationProtection is enabled"):
        change_sets.cloudformation.delete_stack(StackName=name)
    change_sets.protect(name, on=False)
    failed = change_sets.described(name)["StackId"]
    change_sets.cloudformation.delete_stack(StackName=name)
    eventually(lambda: change_sets.described(failed)["StackStatus"] == "DELETE_COMPLETE", "gone")
    change_sets.create(name, "CREATE", "one", resources())
    assert change_sets.execute(name, "one") == "CREATE_COMPLETE"
    # What failed is still listed, with its events.
    listed = change_sets.cloudformation.list_stacks(StackStatusFilter=["DELETE_COMPLETE"])
    assert failed in [stack["StackId"] for stack in listed["StackSummaries"]]
    assert change_sets.cloudformation.describe_stack_events(StackName=failed)["StackEvents"]


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ('{"other": "x"}', "Could not find a value associated with JSONKey in SecretString"),
        ('"text"', "Could not find a value associated with JSONKey in SecretString"),
        ("https://example.com", "Could not parse SecretString JSON"),
    ],
)
def test_a_secret_of_another_shape_is_named_by_nobody(
    stacks: Stacks, value: str, says: str
) -> None:
    secret = f"shape-{uuid.uuid4().hex[:8]}"
    stacks.aws("secretsmanager").create_secret(Name=secret, SecretString=value)
    reference = f"{{{{resolve:secretsmanager:{secret}:SecretString:url}}}}"
    reasons = stacks.refused({"It": resource("SNS::Topic", DisplayName=reference)})
    assert says in reasons
    assert secret not in reasons
