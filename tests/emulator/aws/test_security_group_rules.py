"""Rules apart from their group, as templates write them."""

import uuid
from typing import Any

import pytest

from rehearsal.common.rehearsal import Clients
from tests.emulator.aws.helpers import Stacks, resource

Groups = tuple[str, str]


@pytest.fixture
def groups(aws: Clients) -> Groups:
    ec2 = aws("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
    redis, application = (
        ec2.create_security_group(
            GroupName=f"test-{uuid.uuid4()}", Description="a test's", VpcId=vpc
        )["GroupId"]
        for _ in range(2)
    )
    return redis, application


def rule(groups: Groups, **more: Any) -> dict[str, Any]:
    redis, application = groups
    port = {"IpProtocol": "tcp", "FromPort": 6379, "ToPort": 6379} | more
    sides = {"GroupId": redis, "SourceSecurityGroupId": application}
    return resource("EC2::SecurityGroupIngress", **sides, **port)


def ingress(aws: Clients, group: str) -> list[dict[str, Any]]:
    found = aws("ec2").describe_security_groups(GroupIds=[group])["SecurityGroups"][0]
    return list(found["IpPermissions"])


def test_a_rule_comes_and_goes_with_its_stack(stacks: Stacks, groups: Groups) -> None:
    name = stacks.create({"Rule": rule(groups, Description="Application servers")})
    (found,) = ingress(stacks.aws, groups[0])
    assert (found["IpProtocol"], found["FromPort"], found["ToPort"]) == ("tcp", 6379, 6379)
    (pair,) = found["UserIdGroupPairs"]
    assert (pair["GroupId"], pair["Description"]) == (groups[1], "Application servers")
    stacks.delete(name)
    assert ingress(stacks.aws, groups[0]) == []


def test_a_changed_description_keeps_the_rule(stacks: Stacks, groups: Groups) -> None:
    name = stacks.create({"Rule": rule(groups, Description="before")})
    before = stacks.physical_id(name, "Rule")
    assert stacks.update(name, {"Rule": rule(groups, Description="after")}) == "UPDATE_COMPLETE"
    assert stacks.physical_id(name, "Rule") == before
    (found,) = ingress(stacks.aws, groups[0])
    assert found["UserIdGroupPairs"][0]["Description"] == "after"


def test_a_rule_that_is_there_already_is_refused(stacks: Stacks, groups: Groups) -> None:
    stacks.create({"Rule": rule(groups)})
    assert "already exists" in stacks.refused({"Rule": rule(groups)})
