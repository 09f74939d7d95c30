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
        describe = self.client.describe_replication_groups
        group = ask(describe, ReplicationGroupId=self.group_id)["ReplicationGroups"][0]
        # Without cluster mode there is one node group; in cluster mode they have no addresses.
        shard: Mapping[str, Any] = next(iter(group.get("NodeGroups", [])), {})
        known = {"primary": shard.get("PrimaryEndpoint"), "reader": shard.get("ReaderEndpoint")}
        if configuration := group.get("ConfigurationEndpoint"):
            known = {"configuration": configuration}
        endpoints = [endpoint for one in known.items() if (endpoint := _endpoint(*one))]
        if not endpoints:
            raise NotYetError(f"the replication group {self.group_id} has no address yet")
        return GroupState(tuple(endpoints), tuple(group.get("MemberClusters", [])))

    def node(self, member: str) -> Endpoint | None:
        """A node's own address; None while it is being made or removed.

        One call for each, for a list of all clusters cannot be granted for this group alone.
        """
        asked = {"CacheClusterId": member, "ShowCacheNodeInfo": True}
        try:
            answer = ask(self.client.describe_cache_clusters, **asked)
        except AwsRefusedError as refused:
            if refused.code == "CacheClusterNotFound":
                return None
            raise
        nodes = answer["CacheClusters"][0].get("CacheNodes", [])
        return _endpoint(member, nodes[0].get("Endpoint")) if nodes else None


def _endpoint(name: str, given: Mapping[str, Any] | None) -> Endpoint | None:
    """None without an address: while something is made, an endpoint can be there without it."""
    if given and given.get("Address") and given.get("Port"):
        return Endpoint(name, given["Address"], given["Port"])
    return None
