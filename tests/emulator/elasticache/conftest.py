"""The service behind a real boto3 client; each of its answers is held against botocore's model."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import boto3
import pytest
import redis
from botocore.config import Config

from emulator.elasticache import ElastiCache, service_updates
from emulator.nodes import control
from emulator.nodes.waiting import until
from tests.emulator.elasticache.shapes import problems

TOKEN = "a-token-of-the-tests-0001"  # noqa: S105 - it opens only these servers

SESSION = boto3.Session()  # reading the service model once saves 0.2 s a test

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


# Its model names one type of service update; AWS publishes three.
BEYOND_BOTOCORE = {
    f"{where}[].ServiceUpdateType: {kind!r} is no string"
    for where in ("DescribeUpdateActions.UpdateActions", "DescribeServiceUpdates.ServiceUpdates")
    for kind in service_updates.TYPES[1:]
}


@dataclass(frozen=True)
class Rehearsed:
    """The service itself and a client of its API."""

    service: ElastiCache
    client: Any

    def create(self, **fields: Any) -> dict[str, Any]:
        """Create the tests' group, changed by these fields, and wait until it is available."""
        self.client.create_replication_group(**(GROUP | fields))
        return self.wait((GROUP | fields)["ReplicationGroupId"])

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
        group = {name: value for name, value in GROUP.items() if name != "AuthToken"}
        group |= {"UserGroupIds": ["clients"]} | fields
        self.client.create_replication_group(**group)
        return self.wait(group["ReplicationGroupId"])

    def describe(self, group: str = "redis") -> dict[str, Any]:
        answer = self.client.describe_replication_groups(ReplicationGroupId=group)
        found: dict[str, Any] = answer["ReplicationGroups"][0]
        return found

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
        return control.connect(host, 6379, ca_file=str(self.service.ca_file), password=token)

    def takes(self, host: str, token: str) -> bool:
        try:
            return bool(self.connect_to(host, token).ping())
        except redis.AuthenticationError:
            return False

    def logs_in(self, token: str, group: str = "redis") -> bool:
        return self.takes(_primary(self.describe(group)), token)


def _primary(group: dict[str, Any]) -> str:
    return str(group["NodeGroups"][0]["PrimaryEndpoint"]["Address"])


def _serve(service: ElastiCache, wrong: list[str]) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            form = self.rfile.read(int(self.headers["Content-Length"]))
            status, xml = service.answer(form)
            if status == 200:
                wrong.extend(problems(xml))
            body = xml.encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
    return server


Start = Callable[..., Rehearsed]


@contextmanager
def services() -> Iterator[Start]:
    """Start services; every answer that they gave had the shape that botocore knows."""
    ends: list[Callable[[], None]] = []
    wrong: list[str] = []

    def run(**options: Any) -> Rehearsed:
        service = ElastiCache("111122223333", "us-east-1", **options)
        server = _serve(service, wrong)
        client = SESSION.client(
            "elasticache",
            endpoint_url=f"http://127.0.0.1:{server.server_port}",
            region_name="us-east-1",
            aws_access_key_id="none",
            aws_secret_access_key="none",  # noqa: S106 - the service asks for none
            config=Config(retries={"max_attempts": 0}),
        )
        ends.extend([server.shutdown, server.server_close, service.close, client.close])
        return Rehearsed(service, client)

    yield run
    for end in ends:
        end()
    assert [problem for problem in wrong if problem not in BEYOND_BOTOCORE] == []


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
