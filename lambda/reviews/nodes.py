"""The nodes whose history is the group's: those that are there, and those that were."""

from collections.abc import Iterable, Iterator
from typing import Any

from shared.aws_calls import ask


def nodes(client: Any, group_id: str) -> list[str]:
    """Every name from each shard's first to the highest in use. Raises what ``ask`` raises."""
    (group,) = ask(
        client.describe_replication_groups, "describe the group", ReplicationGroupId=group_id
    )["ReplicationGroups"]
    return list(ever(group.get("MemberClusters", [])))


def ever(members: Iterable[str]) -> Iterator[str]:
    """The names of ``members``, and of nodes before them: a number is given to one node only.

    Names end in -001, -002 and so on (ElastiCache user guide, "Finding a cluster's nodes"). Of what
    is gone CloudWatch has the figures still, and a series that never was is empty.
    """
    highest: dict[str, int] = {}
    for member in members:
        shard, _, number = member.rpartition("-")
        highest[shard] = max(highest.get(shard, 0), int(number))
    for shard, last in sorted(highest.items()):
        yield from (f"{shard}-{number:03}" for number in range(1, last + 1))
