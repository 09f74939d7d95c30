"""Services that replace ministack's own, or answer before them.

Of the account's own: Chatbot, Service Quotas, and parts of others. Sources: botocore's service
models for the answers; aws-controllers-k8s/community issue 367 for ElastiCache's answer without
its role.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, NamedTuple

from botocore.exceptions import ClientError
from ministack.app import SERVICE_HANDLERS  # type: ignore[import-not-found]

from emulator import model
from emulator.aws.cfn_types.server_values import DOCUMENTS
from emulator.aws.clients import client
from emulator.aws.patches.account import THE_ACCOUNT, WORKSPACE
from emulator.aws.rotation import Rotation
from emulator.elasticache import ElastiCache
from emulator.elasticache.state import Subnet
from emulator.elasticache.wire import AwsError, error_to_xml, to_xml
from emulator.iam.address_history import AddressHistory

Answer = tuple[int, dict[str, str], bytes]
Handler = Callable[..., Awaitable[Answer]]  # of a request's parts, as ministack calls it


class Request(NamedTuple):
    """A request to a service, by ministack's names of its parts."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    query: dict[str, Any]

    @property
    def action(self) -> str:
        """The operation that a request of the JSON protocol names."""
        return self.headers.get("x-amz-target", "").rpartition(".")[2]

    @property
    def form(self) -> dict[str, str]:
        """The fields of a request of the query protocol; none of another."""
        return dict(model.form(self.headers, self.body))


Ours = Callable[[Request], Answer | None]

_CHATBOT_REGIONS = ("us-east-2", "us-west-2", "eu-west-1", "ap-southeast-1")
_ROLE = "AWSServiceRoleForElastiCache"


def mount(elasticache: ElastiCache, rotation: Rotation, addresses: AddressHistory) -> None:
    """Route them to us, in ministack's table of services."""

    def cache(request: Request) -> Answer:
        if (answer := _its_role(request)) is not None:
            return answer
        status, xml = elasticache.answer(request.body)
        addresses.record()
        return _xml(status, xml)

    def rotating(request: Request) -> Answer | None:
        action = rotation.actions.get(request.action)
        answer = action(json.loads(request.body)) if action else None
        return answer and _json(*answer)

    for name, ours in (
        ("chatbot", _chatbot),
        ("elasticache", cache),
        ("secretsmanager", rotating),
        ("servicequotas", _quotas),
        ("ssm", _systems_manager),
    ):
        SERVICE_HANDLERS[name] = partial(_answering, ours, SERVICE_HANDLERS.get(name))


def find_subnet(subnet_id: str) -> Subnet | None:
    """A subnet as EC2 describes it; ElastiCache checks each one of a subnet group."""
    ec2 = client("ec2")
    try:
        (subnet,) = ec2.describe_subnets(SubnetIds=[subnet_id])["Subnets"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "InvalidSubnetID.NotFound":
            return None
        raise
    return Subnet(subnet["SubnetId"], subnet["AvailabilityZone"], subnet["VpcId"])


async def _answering(ours: Ours, other: Handler | None, *parts: Any) -> Answer:
    """``ours`` answers on a thread, since it may ask this very server; else ``other`` does."""
    request = Request(*parts)
    answer = await asyncio.to_thread(ours, request)
    if answer is None and other is not None:
        return await other(*request)
    return answer or _json(501, {"message": f"not rehearsed: {request.path}"})


def _json(status: int, content: Any) -> Answer:
    return status, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(content).encode()


def _xml(status: int, content: str) -> Answer:
    return status, {"Content-Type": "text/xml"}, content.encode()  # ministack adds to the headers


def _chatbot(request: Request) -> Answer | None:
    region = request.headers.get("authorization", "//").split("/")[2]
    if region not in _CHATBOT_REGIONS:
        return _json(403, {"message": f"Chatbot does not answer in {region}"})
    if request.path == "/describe-slack-workspaces":
        team = {"SlackTeamId": WORKSPACE, "SlackTeamName": "rehearsal"}
        return _json(200, {"SlackWorkspaces": [team]})
    if request.path != "/describe-slack-channel-configurations":
        return None
    configurations = [
        {"ChatConfigurationArn": arn, "SnsTopicArns": [], "IamRoleArn": "", **configuration}
        for arn, configuration in THE_ACCOUNT.channels.items()
    ]
    return _json(200, {"SlackChannelConfigurations": configurations})


def _quotas(request: Request) -> Answer:
    service = json.loads(request.body)["ServiceCode"]
    limits = THE_ACCOUNT.quotas.get(service, {})
    quotas = [{"ServiceCode": service, "QuotaName": n, "Value": v} for n, v in limits.items()]
    return _json(200, {"Quotas": quotas})


def _systems_manager(request: Request) -> Answer | None:
    if request.action == "DescribeInstanceInformation":
        return _json(200, {"InstanceInformationList": []})
    if request.action == "ListDocuments":
        return _json(200, {"DocumentIdentifiers": [{"Name": name} for name in DOCUMENTS]})
    return None


def _its_role(request: Request) -> Answer | None:
    form = request.form
    if form.get("Action") == "DescribeReservedCacheNodesOfferings":
        offered = {"ReservedCacheNodesOfferings": [{"CacheNodeType": form["CacheNodeType"]}]}
        return _xml(200, to_xml(form["Action"], offered))
    if form.get("Action") != "CreateReplicationGroup" or THE_ACCOUNT.creates_roles:
        return None
    try:
        client("iam").get_role(RoleName=_ROLE)
    except ClientError:
        return _xml(400, error_to_xml(AwsError("ServiceLinkedRoleNotFoundFault", _NO_ROLE)))
    return None


_NO_ROLE = (
    "This action cannot be completed due to insufficient permissions. (Recommended action) Please "
    "create new role using IAM API CreateServiceLinkedRole."
)
