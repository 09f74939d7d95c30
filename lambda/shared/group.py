"""The replication group in ElastiCache: where clients log in, and where each of its nodes is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.aws_calls import ask
from shared.errors import AwsRefusedError, NotYetError


@dataclass(frozen=True)
class Endpoint:
    """An address to log in at."""

    name: str
    host: str
    port: int


@dataclass(frozen=True)
class GroupState:
    """What DescribeReplicationGroups says: clients' addresses, and the ids of all nodes."""

    endpoints: tuple[Endpoint, ...]
    members: tuple[str, ...]


@dataclass(frozen=True)
class Group:
    """One replication group. Every method raises what ``ask`` raises."""

    client: Any
    group_id: str

    def describe(self) -> GroupState:
        """The group as it is now. Raises NotYetError while it has no address."""
        answer = ask(
            self.client.describe_replication_groups,
            "describe the replication group",
            ReplicationGroupId=self.group_id,
        )
        group = answer["ReplicationGroups"][0]
        endpoints = _endpoints(group)
        if not endpoints:
            raise NotYetError(f"the replication group {self.group_id} has no address yet")
        return GroupState(endpoints, tuple(group.get("MemberClusters", [])))

    def node(self, member: str) -> Endpoint | None:
        """A node's own address; None while it is being made or removed.

        One call for each, for a list of all clusters cannot be granted for this group alone.
        """
        try:
            answer = ask(
                self.client.describe_cache_clusters,
                "describe a node",
                CacheClusterId=member,
                ShowCacheNodeInfo=True,
            )
        except AwsRefusedError as refused:
            if refused.code == "CacheClusterNotFound":
                return None
            raise
        nodes = answer["CacheClusters"][0].get("CacheNodes", [])
        return next(iter(_given({member: nodes and nodes[0].get("Endpoint")})), None)


def _endpoints(group: Mapping[str, Any]) -> tuple[Endpoint, ...]:
    configuration = group.get("ConfigurationEndpoint")
    if configuration:
        return _given({"configuration": configuration})
    # Without cluster mode there is one node group; in cluster mode they have no addresses.
    nodes: Mapping[str, Any] = next(iter(group.get("NodeGroups", [])), {})
    return _given({"primary": nodes.get("PrimaryEndpoint"), "reader": nodes.get("ReaderEndpoint")})


def _given(found: Mapping[str, Any]) -> tuple[Endpoint, ...]:
    """Those with an address: while something is made, an endpoint can be there without it."""
    return tuple(
        Endpoint(name, endpoint["Address"], endpoint["Port"])
        for name, endpoint in found.items()
        if endpoint and endpoint.get("Address") and endpoint.get("Port")
    )
