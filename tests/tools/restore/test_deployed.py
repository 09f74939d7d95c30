"""What a snapshot does not carry is read from the deployed template, and nothing is guessed."""

import copy
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support import ROOT
from tools.command import Answer
from tools.restore.deployed import Deployed

TEMPLATE = json.loads((ROOT / "tests/snapshots/vibewell-redis-production-data.json").read_text())
STACK = "vibewell-redis-production-data"


class CloudFormation:
    """Answers as CloudFormation does, for one stack."""

    class exceptions:  # noqa: N801 - boto3's name
        ClientError = ClientError

    def __init__(self, template: dict[str, Any], status: str | None) -> None:
        self.template, self.status = template, status

    def describe_stacks(self, **_stack: str) -> dict[str, Any]:
        if self.status is None:
            raise ClientError({"Error": {"Code": "ValidationError"}}, "DescribeStacks")
        return {"Stacks": [{"StackStatus": self.status, "Tags": [{"Key": "a", "Value": "b"}]}]}

    def get_template(self, **_stack: str) -> dict[str, Any]:
        return {"TemplateBody": self.template}

    def get_paginator(self, _name: str) -> "CloudFormation":
        return self

    def paginate(self, **_stack: str) -> list[dict[str, Any]]:
        ids = {name: f"physical-{name}" for name in self.template["Resources"]}
        rows = [{"LogicalResourceId": n, "PhysicalResourceId": i} for n, i in ids.items()]
        return [{"StackResourceSummaries": rows[:9]}, {"StackResourceSummaries": rows[9:]}]


def deployed(
    template: dict[str, Any] = TEMPLATE, status: str | None = "UPDATE_COMPLETE"
) -> Deployed:
    answers = CloudFormation(template, status)
    return Deployed(lambda _service: answers, STACK)


@pytest.mark.plan("2.3", "4.2")
def test_every_property_of_the_deployed_group_is_given_again_and_its_user_group_too() -> None:
    group = deployed().group()
    wanted = TEMPLATE["Resources"]["RedisGroup88ACAA33"]["Properties"]
    assert set(group) == set(wanted)
    assert group["KmsKeyId"] == "physical-Key961B73FD"
    assert group["SecurityGroupIds"] == ["physical-AccessSecurityGroupBEC1BC13"]
    assert group["UserGroupIds"] == ["physical-UserGroup56121C8F"]
    assert group["NumCacheClusters"] == 3
    for name in ("LogDeliveryConfigurations", "Tags"):
        assert group[name] == wanted[name]


def test_a_group_without_users_is_not_restored_for_everybody() -> None:
    template = copy.deepcopy(TEMPLATE)
    del template["Resources"]["RedisGroup88ACAA33"]["Properties"]["UserGroupIds"]
    with pytest.raises(Answer, match="without a login"):
        deployed(template).group()


def test_a_reference_that_is_not_understood_is_refused_and_not_guessed() -> None:
    template = copy.deepcopy(TEMPLATE)
    properties = template["Resources"]["RedisGroup88ACAA33"]["Properties"]
    properties["KmsKeyId"] = {"Fn::GetAtt": ["Key961B73FD", "Arn"]}
    with pytest.raises(Answer, match="cannot read"):
        deployed(template).group()


def test_a_stack_in_the_middle_of_a_change_is_left_alone() -> None:
    with pytest.raises(Answer, match=r"UPDATE_IN_PROGRESS.*Wait"):
        deployed(status="UPDATE_IN_PROGRESS")


def test_without_a_stack_it_says_to_deploy_first() -> None:
    with pytest.raises(Answer, match="Deploy the environment first"):
        deployed(status=None)
