"""ElastiCache in memory, with real servers behind it."""

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from botocore import xform_name

from emulator.elasticache import (
    describing,
    groups,
    parameter_groups,
    service_updates,
    snapshots,
    subnet_groups,
    users,
    wire,
)
from emulator.elasticache.metrics import Datum, Metrics
from emulator.elasticache.state import State
from emulator.elasticache.wire import AwsError, NotRehearsedError, Params


class ElastiCache(State):
    """The service of one account and Region. close() ends every server."""

    @cached_property
    def _metrics(self) -> Metrics:
        return Metrics(self)

    @property
    def ca_file(self) -> Path:
        """The certificate that clients of the nodes must trust."""
        return self.context.ca_file

    def handle(self, action: str, params: Params) -> dict[str, Any]:
        """Run an action of the API on nested parameters. Raises AwsError."""
        if action not in _ACTIONS:
            raise NotRehearsedError(action)
        with self.lock:
            return _ACTIONS[action](self, params)

    def answer(self, form: bytes) -> tuple[int, str]:
        """Answer a request of the query protocol: HTTP status and XML."""
        fields = dict(parse_qsl(form.decode(), keep_blank_values=True))
        action = fields.get("Action", "")
        try:
            params = wire.parse(action, fields)
            return 200, wire.to_xml(action, self.handle(action, params))
        except AwsError as error:
            return error.http_status, wire.error_to_xml(error)

    def metrics(self) -> list[Datum]:
        """The metrics of all nodes now: member, metric, value."""
        return self._metrics.read()

    def take_automatic_snapshot(self, group: str) -> str:
        """Do what the service does daily in the snapshot window; the snapshot's name."""
        with self.lock:
            return snapshots.take_automatic(self, group)

    def publish_service_update(self, name: str, severity: str, **kind: str) -> None:
        """Publish an update to all groups of an engine: see `service_updates.publish`."""
        with self.lock:
            service_updates.publish(self, name, severity, **kind)

    def close(self) -> None:
        """End all servers and give the addresses back."""
        self.jobs.close()
        self.access_strings.close()
        for group in self.groups.values():
            if group.nodes is not None:
                group.nodes.stop()
        self.context.stop()


# Each action is a function of one of these modules, by botocore's name of its method.
_MODULES = (
    *(describing, groups, parameter_groups, service_updates, snapshots, subnet_groups, users),
)
_ACTIONS: dict[str, Callable[[State, Params], dict[str, Any]]] = {
    action: getattr(module, xform_name(action))
    for action in wire.MODEL.operation_names
    for module in _MODULES
    if hasattr(module, xform_name(action))
}
