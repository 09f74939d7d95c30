"""The services that the rehearsal puts in the place of ministack's own, or in front of them.

Of the account's own: Chatbot, Service Quotas, and parts of others. Sources: botocore's service
models for the answers; aws-controllers-k8s/community issue 367 for what ElastiCache says without
its role.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

from botocore.exceptions import ClientError
from ministack.app import SERVICE_HANDLERS  # type: ignore[import-not-found]

from emulator.aws.account import THE_ACCOUNT, WORKSPACE
from emulator.aws.cfn_types.server_values import DOCUMENTS
from emulator.aws.clients import client
from emulator.aws.rotation import Rotation
from emulator.elasticache import ElastiCache
from emulator.elasticache.errors import AwsError
from emulator.elasticache.state import Subnet
from emulator.elasticache.wire import error_to_xml, to_xml
from emulator.iam.address_history import Doors

Answer = tuple[int, dict[str, str], bytes]
Handler = Callable[[str, str, dict[str, str], bytes, dict[str, Any]], Awaitable[Answer]]
Ours = Callable[[str, dict[str, str], bytes], Answer | None]

_CHATBOT_REGIONS = ("us-east-2", "us-west-2", "eu-west-1", "ap-southeast-1")
_ROLE = "AWSServiceRoleForElastiCache"


def mount(elasticache: ElastiCache, rotation: Rotation, doors: Doors) -> None:
    """Route them to us, in ministack's table of services."""

    def cache(_path: str, _headers: dict[str, str], body: bytes) -> Answer:
        if (answer := _its_role(body)) is not None:
            return answer
        status, xml = elasticache.answer(body)
        doors.look()
        return _xml(status, xml)

    def rotating(_path: str, headers: dict[str, str], body: bytes) -> Answer | None:
        action = rotation.actions.get(headers.get("x-amz-target", "").rpartition(".")[2])
        answer = action(json.loads(body)) if action else None
        return answer and _json(*answer)

    for name, ours in (
        ("chatbot", _chatbot),
        ("elasticache", cache),
        ("secretsmanager", rotating),
        ("servicequotas", _quotas),
        ("ssm", _systems_manager),
    ):
        SERVICE_HANDLERS[name] = _answering(ours, SERVICE_HANDLERS.get(name))


def find_subnet(subnet_id: str) -> Subnet | None:
    """What EC2 knows of a subnet; ElastiCache asks before it takes one into a subnet group."""
    ec2 = client("ec2")
    try:
        (found,) = ec2.describe_subnets(SubnetIds=[subnet_id])["Subnets"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "InvalidSubnetID.NotFound":
            return None
        raise
    return Subnet(found["SubnetId"], found["AvailabilityZone"], found["VpcId"])


def _answering(ours: Ours, other: Handler | None = None) -> Handler:
    """``ours`` answers on a thread, since it may ask this very server; else ``other`` does."""

    async def handle(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Answer:
        answer = await asyncio.to_thread(ours, path, headers, body)
        if answer is None and other is not None:
            return await other(method, path, headers, body, query)
        return answer or _json(501, {"message": f"not rehearsed: {path}"})

    return handle


def _json(status: int, content: Any) -> Answer:
    return status, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(content).encode()


def _xml(status: int, content: str) -> Answer:
    return status, {"Content-Type": "text/xml"}, content.encode()  # ministack adds to the headers


def _chatbot(path: str, headers: dict[str, str], _body: bytes) -> Answer | None:
    region = headers.get("authorization", "//").split("/")[2]
    if region not in _CHATBOT_REGIONS:
        return _json(403, {"message": f"Chatbot does not answer in {region}"})
    if path == "/describe-slack-workspaces":
        team = {"SlackTeamId": WORKSPACE, "SlackTeamName": "rehearsal"}
        return _json(200, {"SlackWorkspaces": [team]})
    if path != "/describe-slack-channel-configurations":
        return None
    found = [
        {"ChatConfigurationArn": arn, "SnsTopicArns": [], "IamRoleArn": "", **one}
        for arn, one in THE_ACCOUNT.channels.items()
    ]
    return _json(200, {"SlackChannelConfigurations": found})


def _quotas(_path: str, _headers: dict[str, str], body: bytes) -> Answer | None:
    service = json.loads(body)["ServiceCode"]
    there = THE_ACCOUNT.quotas.get(service, {})
    found = [{"ServiceCode": service, "QuotaName": n, "Value": v} for n, v in there.items()]
    return _json(200, {"Quotas": found})


def _systems_manager(_path: str, headers: dict[str, str], _body: bytes) -> Answer | None:
    action = headers.get("x-amz-target", "").rpartition(".")[2]
    if action == "DescribeInstanceInformation":
        return _json(200, {"InstanceInformationList": []})
    if action == "ListDocuments":
        return _json(200, {"DocumentIdentifiers": [{"Name": name} for name in DOCUMENTS]})
    return None


def _its_role(body: bytes) -> Answer | None:
    action = parse_qs(body.decode()).get("Action")
    if action == ["DescribeReservedCacheNodesOfferings"]:
        (kind,) = parse_qs(body.decode())["CacheNodeType"]
        offered = {"ReservedCacheNodesOfferings": [{"CacheNodeType": kind}]}
        return _xml(200, to_xml(action[0], offered))
    if action != ["CreateReplicationGroup"] or THE_ACCOUNT.creates_roles:
        return None
    try:
        client("iam").get_role(RoleName=_ROLE)
    except ClientError:
        error = AwsError("ServiceLinkedRoleNotFoundFault", _NO_ROLE)
        return _xml(400, error_to_xml(error))
    return None


_NO_ROLE = (
    "This action cannot be completed due to insufficient permissions. (Recommended action) Please "
    "create new role using IAM API CreateServiceLinkedRole."
)
