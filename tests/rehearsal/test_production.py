"""Production, deployed: what was asked for is there, and each check can fail."""

from collections.abc import Callable

import pytest

from rehearsal.common import checks, steps
from rehearsal.common.checks import CHECKS
from rehearsal.common.deployed import application
from rehearsal.common.errors import RehearsalError
from rehearsal.common.existence import exists, has_address
from rehearsal.common.rehearsal import Rehearsal, resources
from tests.rehearsal import by_hand
from vibewell_redis import Source
from vibewell_redis.asyncio import RateLimiter


@pytest.mark.parametrize(("what", "check"), CHECKS)
def test_what_was_asked_for_is_there(
    what: str, check: Callable[[Rehearsal], str], deployed: Rehearsal
) -> None:
    assert check(deployed), what


def test_protected_stacks_are_not_destroyed(deployed: Rehearsal) -> None:
    assert steps.refused(deployed)


def test_every_resource_can_be_looked_for_after_its_deletion(deployed: Rehearsal) -> None:
    missing = [
        str(found)
        for found in resources(deployed)
        if has_address(found.kind) and not exists(deployed.aws, found.kind, found.physical_id)
    ]
    assert missing == []


def test_an_open_address_range_is_noticed(deployed: Rehearsal) -> None:
    ec2 = deployed.aws("ec2")
    name = deployed.checkout.settings["network"]["security_group_name"]
    group = by_hand.named(deployed, "AWS::EC2::SecurityGroup", name)
    port = {"IpProtocol": "tcp", "FromPort": 6379, "ToPort": 6379}
    rule = port | {"IpRanges": [{"CidrIp": "10.0.0.0/8"}]}
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
    try:
        with pytest.raises(RehearsalError, match="lets an address range in"):
            checks.check_access(deployed)
    finally:
        ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=[rule])


def test_a_value_that_was_changed_by_hand_is_noticed(deployed: Rehearsal) -> None:
    ssm, url = deployed.aws("ssm"), "rediss://127.0.0.1:1"
    name = by_hand.named(deployed, "AWS::SSM::Parameter", "/REDIS_URL")
    before = ssm.get_parameter(Name=name)["Parameter"]["Value"]
    ssm.put_parameter(Name=name, Value=url, Overwrite=True)
    try:
        with pytest.raises(RehearsalError, match="REDIS_URL"):
            checks.check_settings(deployed)
    finally:
        ssm.put_parameter(Name=name, Value=before, Overwrite=True)


@pytest.mark.plan("2.4")
async def test_the_client_limits_by_what_the_deployment_publishes(deployed: Rehearsal) -> None:
    with application(deployed) as published:
        limiter = RateLimiter.from_settings(published, deadline=30.0)
        try:
            assert await limiter.connect()
            decisions = [await limiter.hit("mfa", user="alice", ip="192.0.2.1") for _ in range(6)]
        finally:
            await limiter.aclose()
    assert [decision.allowed for decision in decisions] == [True] * 5 + [False]
    assert {decision.source for decision in decisions[:5]} == {Source.REDIS}
