"""Redis nodes by the addresses that ever led to them."""

import threading
from collections.abc import Callable
from typing import Any

Handle = Callable[[str, dict[str, Any]], dict[str, Any]]


class AddressHistory:
    """Remembers addresses beyond their group's life: a rehearsal never gives one out twice.

    `handle` is the embedded ElastiCache's. `record` after each of its answers: a function learns an
    address from no other place.
    """

    def __init__(self, handle: Handle) -> None:
        self._handle = handle
        self._lock = threading.Lock()
        self._seen: dict[str, dict[str, Any]] = {}

    def record(self) -> None:
        """Record every address that a group has now."""
        clusters = self._handle("DescribeCacheClusters", {"ShowCacheNodeInfo": True})
        places = {
            member["ReplicationGroupId"]: {
                "name": member["ReplicationGroupId"],
                "groups": [group["SecurityGroupId"] for group in member["SecurityGroups"]],
                "subnet_group": member["CacheSubnetGroupName"],
            }
            for member in clusters["CacheClusters"]
        }
        nodes_at = {
            node["Endpoint"]["Address"]: places[member["ReplicationGroupId"]]
            for member in clusters["CacheClusters"]
            for node in member["CacheNodes"]
        } | {
            address: places[group["ReplicationGroupId"]]
            for group in self._handle("DescribeReplicationGroups", {})["ReplicationGroups"]
            for address in _addresses(group)
        }
        with self._lock:
            self._seen |= nodes_at

    def history(self) -> dict[str, dict[str, Any]]:
        """Address -> name, security groups and subnet group of the nodes behind it."""
        with self._lock:
            return dict(self._seen)


def _addresses(group: dict[str, Any]) -> list[str]:
    endpoints = [group.get("ConfigurationEndpoint")]
    for shard in group["NodeGroups"] or ():  # none while it is made or deleted
        endpoints += [shard.get("PrimaryEndpoint"), shard.get("ReaderEndpoint")]
    return [endpoint["Address"] for endpoint in endpoints if endpoint]
