"""References, resolved as CloudFormation resolves them; what is not modelled is never guessed."""

from typing import Any

import pytest

from aws_rules.problem import CannotBeJudged
from emulator.iam.template import Deployment
from tests.emulator.iam.example import ACCOUNT, DATA, REGION, att, deployment, ref, resource

STACK = "one"


def resolved(value: Any, **resources: Any) -> Any:
    template = {
        "Parameters": {"Size": {"Default": "3"}, "Unset": {"Type": "String"}},
        "Resources": resources,
    }
    return Deployment({STACK: template}, account=ACCOUNT, region=REGION).resolve(STACK, value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (ref("AWS::AccountId"), ACCOUNT),
        (ref("Size"), "3"),
        ({"Fn::Join": ["-", ["a", ref("AWS::Region")]]}, "a-us-east-1"),
        ({"Fn::Sub": "${AWS::Partition}:${Size}:${!Kept}"}, "aws:3:${Kept}"),
        ({"Fn::Sub": ["${X}/${Key.Arn}", {"X": ref("Size")}]}, f"3/{'{key}'}"),
        ({"Fn::Select": [1, {"Fn::Split": [",", "a,b"]}]}, "b"),
        ({"a": ref("AWS::NoValue"), "b": [ref("AWS::NoValue"), 1]}, {"b": [1]}),
        (att("Key"), "{key}"),
        ({"Fn::GetAtt": "Key.Arn"}, "{key}"),
        (ref("Topic"), f"arn:aws:sns:{REGION}:{ACCOUNT}:alerts"),
        (att("Role"), f"arn:aws:iam::{ACCOUNT}:role/team/Role"),
        (att("Vpc", "CidrBlock"), "10.0.0.0/16"),
    ],
)
def test_a_reference_is_resolved(value: Any, expected: Any) -> None:
    key = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/Key"
    if isinstance(expected, str):
        expected = expected.replace("{key}", key)
    found = resolved(
        value,
        Key=resource("KMS::Key"),
        Role=resource("IAM::Role", Path="/team/"),
        Topic=resource("SNS::Topic", TopicName="alerts"),
        Vpc=resource("EC2::VPC", CidrBlock="10.0.0.0/16"),
    )
    assert found == expected


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({"Fn::If": ["Big", 1, 2]}, "Fn::If in stack one"),
        ({"Fn::ImportValue": "nowhere"}, "imports nowhere, which no template exports"),
        (
            {"Fn::GetStackOutput": {"StackName": "other", "OutputName": "key"}},
            "reads key of other, which no template has",
        ),
        (ref("Missing"), "refers to Missing"),
        (ref("Unset"), "refers to Unset"),
        (att("Group", "PrimaryEndPoint.Address"), "PrimaryEndPoint.Address of Group"),
    ],
)
def test_what_is_not_modelled_is_said_so(value: Any, reason: str) -> None:
    with pytest.raises(CannotBeJudged) as found:
        resolved(value, Group=resource("ElastiCache::ReplicationGroup"))
    assert reason in str(found.value)


def test_another_stacks_value_is_imported() -> None:
    key = deployment().resolve("operations", {"Fn::ImportValue": "data:key"})
    assert key == f"arn:aws:kms:{REGION}:{ACCOUNT}:key/Key"


def test_another_stacks_output_is_read() -> None:
    output = {"Fn::GetStackOutput": {"StackName": "data", "OutputName": "key"}}
    key = deployment().resolve("operations", output)
    assert key == f"arn:aws:kms:{REGION}:{ACCOUNT}:key/Key"


def test_deployed_ids_take_the_place_of_logical_ones() -> None:
    template = {"Resources": {"Group": resource("EC2::SecurityGroup")}}
    made = Deployment(
        {DATA: template},
        account=ACCOUNT,
        region=REGION,
        physical_ids={(DATA, "Group"): "sg-0123"},
    )
    assert made.resolve(DATA, att("Group", "GroupId")) == "sg-0123"
    assert made.find("AWS::EC2::SecurityGroup", "sg-0123") is not None
