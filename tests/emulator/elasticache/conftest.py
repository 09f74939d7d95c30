"""The service behind a real boto3 client; each of its answers is held against AWS's samples."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import boto3
import pytest
import redis
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from botocore.model import OperationModel

from aws_rules.answers import fields
from emulator.elasticache import ElastiCache
from emulator.elasticache.state import Promises, Subnet
from emulator.nodes.server import connect as to_node
from emulator.nodes.waiting import until
from tests.emulator import sampled

TOKEN = "a-token-of-the-tests-0001"  # noqa: S105 - it opens only these servers

SESSION = boto3.Session()  # reading the service model once saves 0.2 s per test

GROUP: dict[str, Any] = {
    "ReplicationGroupId": "redis",
    "ReplicationGroupDescription": "a group of the tests",
    "Engine": "redis",
    "EngineVersion": "6.2",
    "CacheNodeType": "cache.t3.medium",
    "NumCacheClusters": 1,
    "TransitEncryptionEnabled": True,
    "AuthToken": TOKEN,
    "SnapshotWindow": "02:00-03:00",
    "PreferredMaintenanceWindow": "sun:03:00-sun:05:00",
}


SHARDED: dict[str, Any] = {
    "NumNodeGroups": 2,
    "ReplicasPerNodeGroup": 0,
    "AutomaticFailoverEnabled": True,
    "CacheParameterGroupName": "default.redis6.x.cluster.on",
}


def group_of(**fields: Any) -> dict[str, Any]:
    """The tests' group, changed by these fields; None leaves one out."""
    counted = {"NumCacheClusters": None} if "NumNodeGroups" in fields else {}
    whole = GROUP | counted | fields
    return {name: value for name, value in whole.items() if value is not None}


def log(kind: str, group: str | None = None) -> dict[str, Any]:
    """The delivery of one kind of log to a group of its own, or to this one."""
    return {
        "LogType": kind,
        "LogFormat": "json",
        "DestinationType": "cloudwatch-logs",
        "DestinationDetails": {"CloudWatchLogsDetails": {"LogGroup": group or f"/{kind}"}},
    }


@dataclass(frozen=True)
class Rehearsed:
    """The service itself and a client of its API."""

    service: ElastiCache
    client: Any

    def create(self, **fields: Any) -> dict[str, Any]:
        """Create the tests' group, changed by these fields, and wait until it is available."""
        group = group_of(**fields)
        self.client.create_replication_group(**group)
        return self.wait(group["ReplicationGroupId"])

    def modify(self, **fields: Any) -> dict[str, Any]:
        """Modify the tests' group at once, and wait until it is available."""
        call = {"ReplicationGroupId": "redis", "ApplyImmediately": True}
        self.client.modify_replication_group(**(call | fields))
        return self.wait()

    def failover(self) -> None:
        self.client.test_failover(ReplicationGroupId="redis", NodeGroupId="0001")
        self.wait()

    def save(self, name: str) -> None:
        """Take a manual snapshot, and wait until the group is available."""
        self.client.create_snapshot(CacheClusterId="redis-001", SnapshotName=name)
        self.wait()

    def with_users(self, access: str = "on ~* &* +@all", **fields: Any) -> dict[str, Any]:
        """Create the tests' group with a user `clients-default` in `clients` and no token."""
        self.client.create_user(
            UserId="clients-default",
            UserName="default",
            Engine="redis",
            AccessString=access,
            Passwords=[TOKEN],
        )
        self.client.create_user_group(
            UserGroupId="clients", Engine="redis", UserIds=["clients-default"]
        )
        until(self._has_clients, 180, "the user group is active")
        return self.create(AuthToken=None, **({"UserGroupIds": ["clients"]} | fields))

    def _has_clients(self) -> bool:
        (group,) = self.client.describe_user_groups(UserGroupId="clients")["UserGroups"]
        return bool(group["Status"] == "active")

    def describe(self, group: str = "redis") -> dict[str, Any]:
        answer = self.client.describe_replication_groups(ReplicationGroupId=group)
        group_now: dict[str, Any] = answer["ReplicationGroups"][0]
        return group_now

    def wait(self, group: str = "redis", status: str = "available") -> dict[str, Any]:
        until(lambda: self.describe(group)["Status"] == status, 180, f"{group} {status}")
        return self.describe(group)

    def gone(self, group: str = "redis") -> bool:
        names = [
            each["ReplicationGroupId"]
            for each in self.client.describe_replication_groups()["ReplicationGroups"]
        ]
        return group not in names

    def delete(self, group: str = "redis", **fields: Any) -> None:
        self.client.delete_replication_group(ReplicationGroupId=group, **fields)
        until(lambda: self.gone(group), 180, f"{group} deleted")

    def connect(self, group: str = "redis", token: str | None = TOKEN) -> redis.Redis:
        """A client at the primary address."""
        return self.connect_to(_primary(self.describe(group)), token)

    def connect_to(self, host: str, token: str | None = TOKEN) -> redis.Redis:
        """A client at one address."""
        return to_node(host, 6379, ca_file=str(self.service.ca_file), password=token)

    def takes(self, host: str, token: str) -> bool:
        try:
            return bool(self.connect_to(host, token).ping())
        except redis.AuthenticationError:
            return False

    def logs_in(self, token: str, group: str = "redis") -> bool:
        return self.takes(_primary(self.describe(group)), token)


def _primary(group: dict[str, Any]) -> str:
    return str(group["NodeGroups"][0]["PrimaryEndpoint"]["Address"])


def _subnet(name: str) -> Subnet:
    """Every subnet exists, in a zone that follows from its name."""
    return Subnet(name, f"us-east-1{'abc'[ord(name[-1]) % 3]}", "vpc-of-the-tests")


class _Body(BytesIO):
    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


Start = Callable[..., Rehearsed]


@contextmanager
def services() -> Iterator[Start]:
    """Start services; every answer that they gave has no field that AWS's samples lack."""
    ends: list[Callable[[], None]] = []
    unsampled = set[str]()

    def hold(parsed: dict[str, Any], model: OperationModel, **_: Any) -> None:
        if "Error" not in parsed and model.output_shape is not None:
            paths = fields(model.output_shape, parsed)
            unsampled.update(sampled.unsampled(f"elasticache:{model.name}", paths))

    def run(**options: Any) -> Rehearsed:
        folder = TemporaryDirectory(prefix="emulator-elasticache-")
        usual: dict[str, Any] = {
            "find_subnet": _subnet,
            "notify": lambda *_: None,
            "promises": Promises(),
        }
        service = ElastiCache("111122223333", "us-east-1", Path(folder.name), **(usual | options))

        def respond(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
            status, xml = service.answer(request.body.encode())
            return AWSResponse(request.url, status, {}, _Body(xml.encode()))

        client = SESSION.client(
            "elasticache",
            region_name="us-east-1",
            aws_access_key_id="none",
            aws_secret_access_key="none",  # noqa: S106 - the service asks for none
            config=Config(retries={"max_attempts": 0}),
        )
        client.meta.events.register("before-send.elasticache", respond)
        client.meta.events.register("after-call.elasticache", hold)
        ends.extend([service.close, client.close, folder.cleanup])
        return Rehearsed(service, client)

    yield run
    for end in ends:
        end()
    assert not unsampled


@pytest.fixture
def start() -> Iterator[Start]:
    with services() as run:
        yield run


@pytest.fixture(scope="module")
def shared() -> Iterator[Rehearsed]:
    """One service for a module whose tests leave it as they found it."""
    with services() as run:
        yield run()


@pytest.fixture
def rehearsed(start: Start) -> Rehearsed:
    return start()
