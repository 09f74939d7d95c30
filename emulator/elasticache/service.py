"""ElastiCache in memory, with real servers behind it."""

import shutil
import tempfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from emulator.elasticache import (
    describing,
    lifecycle,
    modification,
    parameter_groups,
    scaling,
    snapshots,
    subnet_groups,
    wire,
)
from emulator.elasticache.errors import AwsError, NotRehearsedError
from emulator.elasticache.metrics import Datum, Metrics
from emulator.elasticache.service_updates import ServiceUpdates
from emulator.elasticache.state import Jobs, Notify, Promises, State, Subnet
from emulator.elasticache.users import Users
from emulator.elasticache.wire import Params
from emulator.nodes.context import Ground

Action = Callable[[State, Params], dict[str, Any]]


def _now() -> datetime:
    return datetime.now(UTC)


class ElastiCache:
    """The service of one account and Region. close() ends every server.

    `folder` holds data, logs and snapshots, a temporary one if left out. `find_subnet` asks EC2;
    without it every subnet exists, in zone a, b or c. `notify` writes to SNS; without it
    no event is sent. `promises` can change at any time.
    """

    def __init__(
        self,
        account: str = "000000000000",
        region: str = "us-east-1",
        folder: Path | None = None,
        *,
        clock: Callable[[], datetime] = _now,
        find_subnet: Callable[[str], Subnet | None] | None = None,
        notify: Notify = lambda *_: None,
        promises: Promises | None = None,
    ) -> None:
        self._temporary = folder is None
        ground = Ground(folder or Path(tempfile.mkdtemp(prefix="rehearsal-elasticache-")))
        find = find_subnet or _any_subnet(region)
        self._state = State(
            account,
            region,
            clock,
            ground,
            find,
            notify,
            promises=promises or Promises(),
        )
        self._jobs = Jobs(self._state)
        self._users = Users(self._state, self._jobs)
        self._metrics = Metrics(self._state)
        self._updates = ServiceUpdates(self._state, self._jobs)
        self._actions = self._table()

    @property
    def ca_file(self) -> Path:
        """The certificate that clients of the nodes must trust."""
        return self._state.ground.ca_file

    def handle(self, action: str, params: Params) -> dict[str, Any]:
        """Run an action of the API on nested parameters. Raises AwsError."""
        if action not in self._actions:
            raise NotRehearsedError(action)
        with self._state.lock:
            return self._actions[action](self._state, params)

    def answer(self, fields: Mapping[str, str] | str | bytes) -> tuple[int, str]:
        """Answer a query-protocol request, a form or its fields: HTTP status and XML."""
        if isinstance(fields, bytes):
            fields = fields.decode()
        if isinstance(fields, str):
            fields = dict(parse_qsl(fields, keep_blank_values=True))
        action = fields.get("Action", "")
        try:
            params = wire.parse(action, fields)
            return 200, wire.to_xml(action, self.handle(action, params))
        except AwsError as error:
            return error.http_status, wire.error_to_xml(error)

    def metrics(self) -> list[Datum]:
        """What all nodes would publish now: member, metric, value."""
        return self._metrics.read()

    def take_automatic_snapshot(self, group: str) -> str:
        """Do what the service does daily in the snapshot window; the snapshot's name."""
        with self._state.lock:
            return snapshots.take_automatic(self._state, self._jobs, group)

    def publish_service_update(
        self, name: str, severity: str, engine: str = "redis", kind: str = "security-update"
    ) -> None:
        """Publish an update to all groups of an engine. Raises ValueError for another type."""
        with self._state.lock:
            self._updates.publish(name, severity, engine, kind)

    def close(self) -> None:
        """End all servers and give the addresses back."""
        self._jobs.close()
        self._users.close()
        for group in self._state.groups.values():
            if group.nodes is not None:
                group.nodes.stop()
        self._state.ground.stop()
        if self._temporary:
            shutil.rmtree(self._state.ground.folder, ignore_errors=True)

    def _table(self) -> dict[str, Action]:
        def job(action: Callable[[State, Jobs, Params], dict[str, Any]]) -> Action:
            return lambda state, params: action(state, self._jobs, params)

        def login(action: Callable[[State, Jobs, Users, Params], dict[str, Any]]) -> Action:
            return lambda state, params: action(state, self._jobs, self._users, params)

        return {
            "CreateReplicationGroup": login(lifecycle.create),
            "ModifyReplicationGroup": login(modification.modify),
            "ModifyReplicationGroupShardConfiguration": job(scaling.reshard),
            "DeleteReplicationGroup": job(lifecycle.delete),
            "DescribeReplicationGroups": describing.replication_groups,
            "DescribeCacheClusters": describing.cache_clusters,
            "IncreaseReplicaCount": job(scaling.increase),
            "DecreaseReplicaCount": job(scaling.decrease),
            "TestFailover": job(scaling.test_failover),
            "CreateUser": self._users.create,
            "ModifyUser": self._users.modify,
            "DeleteUser": self._users.delete,
            "DescribeUsers": self._users.describe,
            "CreateUserGroup": self._users.create_group,
            "ModifyUserGroup": self._users.modify_group,
            "DeleteUserGroup": self._users.delete_group,
            "DescribeUserGroups": self._users.describe_groups,
            "CreateSnapshot": job(snapshots.create),
            "CopySnapshot": snapshots.copy,
            "DescribeSnapshots": snapshots.describe,
            "DeleteSnapshot": snapshots.delete,
            "CreateCacheParameterGroup": parameter_groups.create,
            "ModifyCacheParameterGroup": job(parameter_groups.modify),
            "ResetCacheParameterGroup": job(parameter_groups.reset),
            "DeleteCacheParameterGroup": parameter_groups.delete,
            "DescribeCacheParameterGroups": parameter_groups.describe,
            "DescribeCacheParameters": parameter_groups.describe_parameters,
            "CreateCacheSubnetGroup": subnet_groups.create,
            "ModifyCacheSubnetGroup": subnet_groups.modify,
            "DeleteCacheSubnetGroup": subnet_groups.delete,
            "DescribeCacheSubnetGroups": subnet_groups.describe,
            "DescribeCacheEngineVersions": describing.engine_versions,
            "DescribeEvents": describing.events,
            "DescribeServiceUpdates": self._updates.describe,
            "DescribeUpdateActions": self._updates.describe_actions,
            "BatchApplyUpdateAction": self._updates.apply,
            "BatchStopUpdateAction": self._updates.stop,
            "ListTagsForResource": describing.list_tags,
            "AddTagsToResource": describing.add_tags,
            "RemoveTagsFromResource": describing.remove_tags,
        }


def _any_subnet(region: str) -> Callable[[str], Subnet | None]:
    """Every subnet exists, in a zone that follows from its name."""
    return lambda name: Subnet(name, f"{region}{'abc'[ord(name[-1]) % 3]}", "vpc-rehearsal")
