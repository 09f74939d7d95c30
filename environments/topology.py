"""How many nodes there are, how they are grouped, and what ElastiCache calls them."""

from collections.abc import Iterator
from dataclasses import dataclass

# One alarm per shard says where to look. With more nodes than these the monitoring stack would be
# over CloudFormation's 500 resources or 1 MB ("CloudFormation quotas"): then it is written as
# small as it can be, and one alarm watches nodes of several shards.
MOST_NODES_IN_FULL = 40


@dataclass(frozen=True, slots=True)
class Topology:
    """The nodes of a replication group.

    Without cluster mode there is one shard and its members are ``<group>-001``, ``<group>-002``;
    with it each shard's members are ``<group>-0001-001``, ``<group>-0001-002``. Any member may be
    the primary, since roles move at a failover.
    Source: ElastiCache user guide, "Finding a cluster's nodes"; DescribeReplicationGroups.
    """

    group_id: str
    cluster_mode: bool
    shards: int
    replicas_per_shard: int

    @property
    def members_per_shard(self) -> int:
        """Primary and replicas of one shard."""
        return 1 + self.replicas_per_shard

    @property
    def node_count(self) -> int:
        """Every node of the group."""
        return self.shards * self.members_per_shard

    @property
    def in_full(self) -> bool:
        """Whether there are few enough nodes for one alarm per shard."""
        return self.node_count <= MOST_NODES_IN_FULL

    @property
    def members_by_shard(self) -> tuple[tuple[str, ...], ...]:
        """The CacheClusterId of every node, shard by shard."""
        return tuple(
            tuple(
                f"{self._shard_prefix(shard)}-{member:03}"
                for member in range(1, self.members_per_shard + 1)
            )
            for shard in range(1, self.shards + 1)
        )

    @property
    def members(self) -> tuple[str, ...]:
        """The CacheClusterId of every node."""
        return tuple(member for shard in self.members_by_shard for member in shard)

    @property
    def member_pattern(self) -> str:
        """The CacheClusterId of any node that is, was or will be a member, as IAM matches it.

        A number is given once, so a node that was added has a new one; the first 99 are covered. A
        plain ``<group>-*`` would be the nodes of ``<group>-staging`` as well.
        """
        return f"{self.group_id}-{'0???-' if self.cluster_mode else ''}0??"

    def alarm_groups(self, metrics_per_member: int = 1) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Members that one metric-math alarm can watch together, each with a name suffix.

        An alarm takes ten metrics at most, so a shard is split where it would need more.
        The suffix is empty where one alarm is enough for the whole group.
        Source: CloudWatch user guide, "Create an alarm based on a metric math expression".
        """
        room = 10 // metrics_per_member
        by_shard = self.cluster_mode and self.in_full
        groups = self.members_by_shard if by_shard else (self.members,)
        for shard, members in enumerate(groups, start=1):
            parts = [members[start : start + room] for start in range(0, len(members), room)]
            for part, some in enumerate(parts, start=1):
                suffix = f"-shard-{shard}" if by_shard else ""
                yield (f"{suffix}-part-{part}" if len(parts) > 1 else suffix), some

    def _shard_prefix(self, shard: int) -> str:
        return f"{self.group_id}-{shard:04}" if self.cluster_mode else self.group_id
