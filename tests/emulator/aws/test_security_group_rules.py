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


def test_a_rule_that_is_there_already_is_refused(stacks: Stacks, groups: Groups) -> None:
    stacks.create({"Rule": rule(groups)})
    assert "already exists" in stacks.refused({"Rule": rule(groups)})
