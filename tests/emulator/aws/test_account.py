"""An account's limits: each is refused in AWS's words, and not in an account that has more."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from emulator.clean_environment import REGION
from rehearsal.common.rehearsal import Clients, Rehearsal
from tests.emulator.aws.conftest import Stacks, resource
from tests.emulator.aws.test_endpoints import OFF, SERVICE, Net, net, refused

__all__ = ["net"]

USUAL: dict[str, Any] = {
    "concurrency": 1000,
    "minimum_unreserved": 100,
    "creates_roles": True,
    "zones_without": {},
    "channels": {},
}


Limit = Callable[..., None]


@pytest.fixture
def limit(embedded_aws: Rehearsal) -> Iterator[Limit]:
    """Gives the account of the embedded AWS other limits for a test."""

    def change(**limits: Any) -> None:
        embedded_aws.ask("limit", **{name: json.dumps(value) for name, value in limits.items()})

    yield change
    change(**USUAL)


def function(name: str, role: str, reserved: int) -> dict[str, Any]:
    properties = {
        "FunctionName": name,
        "Role": role,
        "Runtime": "python3.12",
        "Handler": "index.handle",
        "Code": {"ZipFile": "def handle(*_): pass"},
    }
    return {name: resource("Lambda::Function", **properties, ReservedConcurrentExecutions=reserved)}


def test_concurrency_is_reserved_down_to_what_lambda_keeps(
    limit: Limit, stacks: Stacks, aws: Clients
) -> None:
    floor = 50
    role = aws("iam").create_role(RoleName=f"r{floor}", AssumeRolePolicyDocument="{}")["Role"]
    limit(concurrency=floor + 1, minimum_unreserved=floor)
    words = (
        "Specified ReservedConcurrentExecutions for function decreases account's "
        f"UnreservedConcurrentExecution below its minimum value of [{floor}]"
    )
    assert words in stacks.refused(function(f"two{floor}", role["Arn"], 2))
    name = stacks.created(function(f"one{floor}", role["Arn"], 1))
    said = aws("lambda").get_account_settings()["AccountLimit"]
    assert said["ConcurrentExecutions"] == floor + 1
    assert said["UnreservedConcurrentExecutions"] == floor
    assert words in refused(
        lambda: aws("lambda").put_function_concurrency(
            FunctionName=f"one{floor}", ReservedConcurrentExecutions=2
        )
    )
    stacks.delete(name)
    left = aws("lambda").get_account_settings()["AccountLimit"]
    assert left["UnreservedConcurrentExecutions"] == floor + 1


def configuration(name: str, channel: str) -> dict[str, Any]:
    one = resource(
        "Chatbot::SlackChannelConfiguration",
        ConfigurationName=name,
        IamRoleArn="arn:aws:iam::1:role/chatbot",
        SlackChannelId=channel,
        SlackWorkspaceId="T0REHEARSAL",
    )
    return {"One": one}


def test_a_channel_has_one_configuration_in_an_account(limit: Limit, stacks: Stacks) -> None:
    limit(channels={})
    first = stacks.created(configuration("first", "C0FIRST"))
    words = "Slack channel with ID C0FIRST in Slack team T0REHEARSAL has already been configured"
    assert words in stacks.refused(configuration("second", "C0FIRST"))
    third = stacks.created(configuration("third", "C0THIRD"))
    assert stacks.update(third, configuration("third", "C0FIRST")) == "UPDATE_ROLLBACK_COMPLETE"
    assert words in stacks.reasons(third)
    assert stacks.update(first, configuration("first", "C0OTHER")) == "UPDATE_COMPLETE"
    assert stacks.update(third, configuration("third", "C0FIRST")) == "UPDATE_COMPLETE"


def test_an_endpoint_is_refused_in_a_zone_without_its_service(limit: Limit, net: Net) -> None:
    limit(zones_without={"secretsmanager": f"{REGION}b"})
    assert refused(lambda: net.endpoint(**OFF)) == (
        f"InvalidParameter: The VPC endpoint service {SERVICE} does not support the availability "
        f"zone of the subnet: {net.subnets[1]}."
    )

    assert net.endpoint(**OFF, SubnetIds=net.subnets[:1])


def test_elasticache_asks_for_its_role_where_nobody_may_create_one(
    limit: Limit, aws: Clients
) -> None:
    limit(creates_roles=False)

    def create() -> Any:
        return aws("elasticache").create_replication_group(
            ReplicationGroupId="g", ReplicationGroupDescription="g", CacheNodeType="cache.none"
        )

    assert refused(create).startswith("ServiceLinkedRoleNotFoundFault: ")
    aws("iam").create_service_linked_role(AWSServiceName="elasticache.amazonaws.com")
    assert not refused(create).startswith("ServiceLinkedRoleNotFoundFault")
