"""What CloudFormation refuses of a stack, in AWS's words: its state, exports, secrets and rules."""

import json
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rehearsal.common.rehearsal import Clients
from tests.emulator.aws.conftest import Look, Stacks, eventually, resource

TOPIC = {"Topic": resource("SNS::Topic")}


class ChangeSets:
    """One stack, as the CDK command line deploys it: by change sets, and protected."""

    def __init__(self, aws: Clients, stacks: Stacks) -> None:
        self.api, self._stacks = aws("cloudformation"), stacks
        self.stack = f"test-{uuid.uuid4().hex[:8]}"

    def create(self, kind: str, change_set: str) -> str:
        given = {"ChangeSetType": kind, "TemplateBody": json.dumps({"Resources": TOPIC})}
        created = self.api.create_change_set(
            StackName=self.stack, ChangeSetName=change_set, **given
        )
        return str(created["StackId"])

    def execute(self, change_set: str) -> str:
        self.api.execute_change_set(StackName=self.stack, ChangeSetName=change_set)
        return self._stacks.settled(self.stack)

    def protect(self, *, on: bool = True) -> None:
        self.api.update_termination_protection(StackName=self.stack, EnableTerminationProtection=on)

    def described(self, stack_id: str = "") -> dict[str, Any]:
        (stack,) = self.api.describe_stacks(StackName=stack_id or self.stack)["Stacks"]
        return dict(stack)

    def refuses_deletion(self) -> None:
        with pytest.raises(ClientError, match="TerminationProtection is enabled"):
            self.api.delete_stack(StackName=self.stack)


@pytest.fixture
def change_sets(aws: Clients, stacks: Stacks) -> ChangeSets:
    return ChangeSets(aws, stacks)


def test_a_stack_in_review_stays_the_one_it_is_and_protected(change_sets: ChangeSets) -> None:
    first = change_sets.create("CREATE", "one")
    change_sets.protect()
    assert change_sets.create("CREATE", "two") == first
    assert change_sets.described()["StackStatus"] == "REVIEW_IN_PROGRESS"
    with pytest.raises(ClientError, match="REVIEW_IN_PROGRESS state and can not be updated"):
        change_sets.create("UPDATE", "three")
    change_sets.refuses_deletion()
    assert change_sets.execute("two") == "CREATE_COMPLETE"
    assert change_sets.described()["StackId"] == first
    assert change_sets.described()["EnableTerminationProtection"] is True


def test_a_creation_that_failed_is_protected_and_takes_neither_update_nor_creation(
    change_sets: ChangeSets, look: Look
) -> None:
    change_sets.create("CREATE", "one")
    change_sets.protect()
    look("fail_once", kind="AWS::SNS::Topic", operation="create")
    assert change_sets.execute("one") == "ROLLBACK_COMPLETE"
    for kind, says in (
        ("UPDATE", r"Stack:arn:\S+ is in ROLLBACK_COMPLETE state and can not be updated"),
        ("CREATE", rf"\[{change_sets.stack}\] already exists and cannot be created again with"),
    ):
        with pytest.raises(ClientError, match=says):
            change_sets.create(kind, "two")
    with pytest.raises(ClientError, match="already exists"):
        change_sets.api.create_stack(StackName=change_sets.stack, TemplateBody="{}")
    change_sets.refuses_deletion()
    change_sets.protect(on=False)
    failed = change_sets.described()["StackId"]
    change_sets.api.delete_stack(StackName=change_sets.stack)
    eventually(lambda: change_sets.described(failed)["StackStatus"] == "DELETE_COMPLETE", "gone")
    change_sets.create("CREATE", "one")
    assert change_sets.execute("one") == "CREATE_COMPLETE"
    # What failed is still listed, with its events.
    listed = change_sets.api.list_stacks(StackStatusFilter=["DELETE_COMPLETE"])
    assert failed in [stack["StackId"] for stack in listed["StackSummaries"]]
    assert change_sets.api.describe_stack_events(StackName=failed)["StackEvents"]


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


def test_a_rule_that_is_there_already_is_refused(aws: Clients, stacks: Stacks) -> None:
    vpc = aws("ec2").create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
    group = aws("ec2").create_security_group(GroupName="a", Description="a test's", VpcId=vpc)
    port = {"IpProtocol": "tcp", "FromPort": 6379, "ToPort": 6379, "CidrIp": "10.8.0.0/16"}
    rule = resource("EC2::SecurityGroupIngress", GroupId=group["GroupId"], **port)
    stacks.create({"Rule": rule})
    assert "already exists" in stacks.refused({"Rule": rule})


def parameter(value: object, **more: str) -> dict[str, Any]:
    return resource("SSM::Parameter", Type="String", Value=value, **more)


def test_an_export_changes_and_goes_only_while_no_stack_imports_it(
    aws: Clients, stacks: Stacks
) -> None:
    export = f"export-{uuid.uuid4().hex[:8]}"
    outputs: dict[str, Any] = {
        "Outputs": {
            "One": {"Value": {"Fn::GetAtt": ["Exported", "Value"]}, "Export": {"Name": export}}
        }
    }

    def resources(value: str) -> dict[str, Any]:
        return {"Exported": parameter(value, Name=f"/test/{export}")}

    def state() -> tuple[str, str | None]:
        value = aws("ssm").get_parameter(Name=f"/test/{export}")["Parameter"]["Value"]
        exports = aws("cloudformation").list_exports()["Exports"]
        return value, {each["Name"]: each["Value"] for each in exports}.get(export)

    exporter = stacks.create(resources("one"), **outputs)
    importer = stacks.create({"Copy": parameter({"Fn::ImportValue": export})})
    for does, left in (("update", outputs), ("delete", {})):
        assert stacks.update(exporter, resources("two"), **left) == "UPDATE_ROLLBACK_COMPLETE"
        reasons = stacks.reasons(exporter)
        assert f"Cannot {does} export {export} as it is in use by {importer}." in reasons
        assert state() == ("one", "one")
    events = aws("cloudformation").describe_stack_events(StackName=exporter)["StackEvents"]
    order = [(event["LogicalResourceId"], event["ResourceStatus"]) for event in reversed(events)]
    assert order.index(("Exported", "UPDATE_COMPLETE")) < order.index((exporter, "UPDATE_FAILED"))
    stacks.delete(importer)
    assert stacks.update(exporter, resources("two"), **outputs) == "UPDATE_COMPLETE"
    assert state() == ("two", "two")
    assert stacks.update(exporter, resources("two")) == "UPDATE_COMPLETE"
    assert state() == ("two", None)
