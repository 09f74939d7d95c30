"""Rules apart from their group, as templates write them."""

import uuid
from typing import Any

import pytest

from rehearsal.common.clients import Clients
from tests.emulator.aws.helpers import Stacks


@pytest.fixture
def groups(aws: Clients) -> tuple[str, str]:
    ec2 = aws("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
    redis, application = (
        ec2.create_security_group(
            GroupName=f"test-{uuid.uuid4()}", Description="a test's", VpcId=vpc
        )["GroupId"]
        for _ in range(2)
    )
    return redis, application


def rule(groups: tuple[str, str], **more: Any) -> dict[str, Any]:
    redis, application = groups
    return {
        "Type": "AWS::EC2::SecurityGroupIngress",
        "Properties": {
            "GroupId": redis,
            "SourceSecurityGroupId": application,
            "IpProtocol": "tcp",
            "FromPort": 6379,
            "ToPort": 6379,
            **more,
        },
    }


def ingress(aws: Clients, group: str) -> list[dict[str, Any]]:
    found = aws("ec2").describe_security_groups(GroupIds=[group])["SecurityGroups"][0]
    return list(found["IpPermissions"])


def test_a_rule_comes_and_goes_with_its_stack(
    aws: Clients, stacks: Stacks, groups: tuple[str, str]
) -> None:
    name = stacks.create({"Rule": rule(groups, Description="Application servers")})
    (found,) = ingress(aws, groups[0])
    assert (found["IpProtocol"], found["FromPort"], found["ToPort"]) == ("tcp", 6379, 6379)
    (pair,) = found["UserIdGroupPairs"]
    assert (pair["GroupId"], pair["Description"]) == (groups[1], "Application servers")
    stacks.delete(name)
    assert ingress(aws, groups[0]) == []


def test_a_changed_description_keeps_the_rule(
    aws: Clients, stacks: Stacks, groups: tuple[str, str]
) -> None:
    name = stacks.create({"Rule": rule(groups, Description="before")})
    before = stacks.physical_id(name, "Rule")
    assert stacks.update(name, {"Rule": rule(groups, Description="after")}) == "UPDATE_COMPLETE"
    assert stacks.physical_id(name, "Rule") == before
    (found,) = ingress(aws, groups[0])
    assert found["UserIdGroupPairs"][0]["Description"] == "after"


def test_a_rule_that_is_there_already_is_refused(stacks: Stacks, groups: tuple[str, str]) -> None:
    stacks.create({"Rule": rule(groups)})
    again = stacks.create({"Rule": rule(groups)})
    assert stacks.status(again) == "ROLLBACK_COMPLETE"
    assert "already exists" in stacks.reasons(again)


def test_a_changed_port_is_a_new_rule(
    aws: Clients, stacks: Stacks, groups: tuple[str, str]
) -> None:
    name = stacks.create({"Rule": rule(groups)})
    changed = {"Rule": rule(groups, FromPort=6380, ToPort=6380)}
    assert stacks.update(name, changed) == "UPDATE_COMPLETE"
    assert [found["FromPort"] for found in ingress(aws, groups[0])] == [6380]
