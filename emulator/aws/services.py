"""The services that the rehearsal puts in the place of ministack's own, or in front of them."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from botocore.exceptions import ClientError
from ministack.app import SERVICE_HANDLERS  # type: ignore[import-not-found]

from emulator.aws.clients import client
from emulator.aws.rotation import Rotation
from emulator.elasticache import ElastiCache
from emulator.elasticache.state import Subnet
from emulator.iam.address_history import Doors

Answer = tuple[int, dict[str, str], bytes]
Handler = Callable[[str, str, dict[str, str], bytes, dict[str, Any]], Awaitable[Answer]]


def mount(elasticache: ElastiCache, rotation: Rotation, doors: Doors) -> None:
    """Route ElastiCache and the rotation of secrets to us, in ministack's table of services."""
    SERVICE_HANDLERS["elasticache"] = _elasticache(elasticache, doors)
    SERVICE_HANDLERS["secretsmanager"] = _rotating(rotation, SERVICE_HANDLERS["secretsmanager"])


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


def _elasticache(service: ElastiCache, doors: Doors) -> Handler:
    def answer(body: bytes) -> tuple[int, str]:
        found = service.answer(body)
        doors.look()
        return found

    async def handle(
        _method: str, _path: str, _headers: dict[str, str], body: bytes, _query: dict[str, Any]
    ) -> Answer:
        status, xml = await asyncio.to_thread(answer, body)
        return status, {"Content-Type": "text/xml"}, xml.encode()

    return handle


def _rotating(rotation: Rotation, ministack: Handler) -> Handler:
    async def handle(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Answer:
        action = headers.get("x-amz-target", "").rpartition(".")[2]
        ours = rotation.actions.get(action)
        answer = await asyncio.to_thread(ours, json.loads(body)) if ours else None
        if answer is None:
            return await ministack(method, path, headers, body, query)
        status, content = answer
        headers_out = {"Content-Type": "application/x-amz-json-1.1"}
        return status, headers_out, json.dumps(content).encode()

    return handle
