"""An account's limits: each is refused in AWS's words, and not in an account that has more."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from emulator.clean_environment import REGION
from rehearsal.common.rehearsal import Clients, Rehearsal
from tests.emulator.aws.helpers import Stacks
from tests.emulator.aws.test_endpoints import OFF, SERVICE, Net, net, refused

__all__ = ["net"]

TEAM = "T0REHEARSAL"
USUAL: dict[str, Any] = {
    "concurrency": 1000,
    "kept_unreserved": 100,
    "creates_roles": True,
    "zones_without": {},
    "channels": {},
}


class Limited:
    """The account of the embedded AWS, with other limits for a test."""

    def __init__(self, rehearsal: Rehearsal) -> None:
        self.rehearsal = rehearsal

    def has(self, **limits: Any) -> None:
        given = {name: json.dumps(value) for name, value in limits.items()}
        self.rehearsal.ask("limit", **given)


@pytest.fixture
def account(embedded_aws: Rehearsal) -> Iterator[Limited]:
    limited = Limited(embedded_aws)
    yield limited
    limited.has(**USUAL)


def function(name: str, role: str, reserved: int) -> dict[str, Any]:
    properties = {
        "FunctionName": name,
        "Role": role,
        "Runtime": "python3.12",
        "Handler": "index.handle",
        "Code": {"ZipFile": "def handle(*_): pass"},
        "ReservedConcurrentExecutions": reserved,
    }
    return {name: {"Type": "AWS::Lambda::Function", "Properties": properties}}


@pytest.mark.parametrize("floor", [10, 50, 100])
def test_concurrency_is_reserved_down_to_what_lambda_keeps(
    account: Limited, stacks: Stacks, aws: Clients, floor: int
) -> None:
    role = aws("iam").create_role(RoleName=f"r{floor}", AssumeRolePolicyDocument="{}")["Role"]
    account.has(concurrency=floor + 1, kept_unreserved=floor)
    words = (
        "Specified ReservedConcurrentExecutions for function decreases account's "
        f"UnreservedConcurrentExecution below its minimum value of [{floor}]"
    )
    name = stacks.create(function(f"two{floor}", role["Arn"], 2))
    assert words in stacks.reasons(name)
    name = stacks.create(function(f"one{floor}", role["Arn"], 1))
    assert stacks.status(name) == "CREATE_COMPLETE"
    said = aws("lambda").get_account_settings()["AccountLimit"]
    assert (said["ConcurrentExecutions"], said["UnreservedConcurrentExecutions"]) == (
        floor + 1,
        floor,
    )
    assert words in refused(
        lambda: aws("lambda").put_function_concurrency(
            FunctionName=f"one{floor}", ReservedConcurrentExecutions=2
        )
    )
    stacks.delete(name)
    left = aws("lambda").get_account_settings()["AccountLimit"]
    assert left["UnreservedConcurrentExecutions"] == floor + 1


def configuration(name: str, channel: str) -> dict[str, Any]:
    properties = {
        "ConfigurationName": name,
        "IamRoleArn": "arn:aws:iam::1:role/chatbot",
        "SlackChannelId": channel,
        "SlackWorkspaceId": TEAM,
    }
    kind = "AWS::Chatbot::SlackChannelConfiguration"
    return {"One": {"Type": kind, "Properties": properties}}


def test_a_channel_has_one_configuration_in_an_account(account: Limited, stacks: Stacks) -> None:
    account.has(channels={})
    first = stacks.create(configuration("first", "C0FIRST"))
    assert stacks.status(first) == "CREATE_COMPLETE"
    words = "Slack channel with ID C0FIRST in Slack team T0REHEARSAL has already been configured"
    assert words in stacks.reasons(stacks.create(configuration("second", "C0FIRST")))
    third = stacks.create(configuration("third", "C0THIRD"))
    assert stacks.update(third, configuration("third", "C0FIRST")) == "UPDATE_ROLLBACK_COMPLETE"
    assert words in stacks.reasons(third)
    assert stacks.update(first, configuration("first", "C0OTHER")) == "UPDATE_COMPLETE"
    assert stacks.update(third, configuration("third", "C0FIRST")) == "UPDATE_COMPLETE"


def test_chatbot_tells_its_channels_where_it_answers(account: Limited) -> None:
    arn = "arn:aws:chatbot::1:chat-configuration/slack-channel/others"
    account.has(channels={arn: {"SlackTeamId": TEAM, "SlackChannelId": "C0"}})
    variables = account.rehearsal.embedded_aws.environment

    def chatbot(region: str) -> Any:
        return boto3.client(
            "chatbot",
            region,
            endpoint_url=account.rehearsal.embedded_aws.endpoint,
            aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
        )

    (told,) = chatbot("us-east-2").describe_slack_channel_configurations()[
        "SlackChannelConfigurations"
    ]
    assert (told["ChatConfigurationArn"], told["SlackChannelId"]) == (arn, "C0")
    with pytest.raises(ClientError):
        chatbot("us-east-1").describe_slack_workspaces()


def test_an_endpoint_is_refused_in_a_zone_without_its_service(account: Limited, net: Net) -> None:
    account.has(zones_without={"secretsmanager": f"{REGION}b"})
    assert refused(lambda: net.endpoint(**OFF)) == (
        f"InvalidParameter: The VPC endpoint service {SERVICE} does not support the availability "
        f"zone of the subnet: {net.subnets[1]}."
    )

    def zones(service: str) -> list[str]:
        found = net.ec2.describe_vpc_endpoint_services(ServiceNames=[service])["ServiceDetails"]
        return [zone[-1] for zone in found[0]["AvailabilityZones"]]

    assert (zones(SERVICE), zones(f"com.amazonaws.{REGION}.elasticache")) == (
        ["a", "c"],
        ["a", "b", "c"],
    )
    assert net.endpoint(**OFF, SubnetIds=net.subnets[:1])


def test_elasticache_asks_for_its_role_where_nobody_may_create_one(
    account: Limited, aws: Clients
) -> None:
    account.has(creates_roles=False)

    def create() -> Any:
        return aws("elasticache").create_replication_group(
            ReplicationGroupId="g", ReplicationGroupDescription="g", CacheNodeType="cache.none"
        )

    assert refused(create).startswith("ServiceLinkedRoleNotFoundFault: ")
    aws("iam").create_service_linked_role(AWSServiceName="elasticache.amazonaws.com")
    assert not refused(create).startswith("ServiceLinkedRoleNotFoundFault")
