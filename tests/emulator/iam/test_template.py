"""References, resolved as CloudFormation resolves them; what is not modelled is never guessed."""

from typing import Any

import pytest

from aws_rules.problem import CannotBeJudged
from emulator.iam.template import Deployment
from tests.emulator.iam.example import ACCOUNT, REGION, att, ref, resource

STACK = "one"


def resolved(value: Any, **resources: Any) -> Any:
    template = {
        "Parameters": {"Size": {"Default": "3"}, "Unset": {"Type": "String"}},
        "Resources": resources,
    }
    return Deployment({STACK: template}, account=ACCOUNT, region=REGION).resolve(STACK, value)


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
