"""Redis nodes by the addresses that ever led to them."""

import threading
from collections.abc import Callable, Iterator
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
        described = self._handle("DescribeReplicationGroups", {})["ReplicationGroups"]
        groups = {group["ReplicationGroupId"]: group for group in described}
        members = self._handle("DescribeCacheClusters", {"ShowCacheNodeInfo": True})
        for member in members["CacheClusters"]:
            name = member["ReplicationGroupId"]
            nodes = {
                "name": name,
                "groups": [group["SecurityGroupId"] for group in member["SecurityGroups"]],
                "subnet_group": member["CacheSubnetGroupName"],
            }
            with self._lock:
                self._seen |= dict.fromkeys(_addresses([member, groups.get(name)]), nodes)

    def history(self) -> dict[str, dict[str, Any]]:
        """Address -> name, security groups and subnet group of the nodes behind it."""
        with self._lock:
            return dict(self._seen)


def _addresses(described: Any) -> Iterator[str]:
    """Each address in an answer, wherever it is."""
    if isinstance(described, dict) and "Address" in described:
        yield described["Address"]
    elif isinstance(described, dict | list):
        inside = described.values() if isinstance(described, dict) else described
        for each in inside:
            yield from _addresses(each)
