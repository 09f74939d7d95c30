"""The figures of CloudWatch that a review asks for."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.aws_calls import ask, every
from shared.errors import StoppedError


def nodes(client: Any, group_id: str) -> list[str]:
    """Every name from each shard's first to the highest in use. Raises what ``ask`` raises."""
    describe = client.describe_replication_groups
    (group,) = ask(describe, ReplicationGroupId=group_id)["ReplicationGroups"]
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


QUERIES = 500  # that one GetMetricData takes
NODE = "0001"  # a member has one node, and ElastiCache always calls it this
_GOOD = frozenset({"Complete", "PartialData"})  # of the latter the next page has the rest

Series = Mapping[datetime, float]


class UnreadableMetricError(StoppedError):
    """CloudWatch gave no figures, which is not the same as there being none."""


@dataclass(frozen=True)
class Asked:
    """One series of CloudWatch; ``dimensions`` are pairs of name and value."""

    namespace: str
    metric: str
    dimensions: tuple[tuple[str, str], ...]
    statistic: str


def of_node(metric: str, node: str, statistic: str) -> Asked:
    """A metric of one node of the group."""
    where = (("CacheClusterId", node), ("CacheNodeId", NODE))
    return Asked("AWS/ElastiCache", metric, where, statistic)


def read(
    client: Any, asked: Iterable[Asked], start: datetime, end: datetime, period: int
) -> dict[Asked, Series]:
    """Every series from ``start`` until before ``end``, in periods of ``period`` seconds.

    A series without figures is empty. Raises UnreadableMetricError, and what ``ask`` raises.
    CloudWatch keeps figures of a minute 15 days, of 5 minutes 63 days, of an hour 455 days.
    """
    wanted = list(dict.fromkeys(asked))
    found: dict[Asked, dict[datetime, float]] = {one: {} for one in wanted}
    given: dict[str, Any] = {"StartTime": start, "EndTime": end, "ScanBy": "TimestampAscending"}
    for first in range(0, len(wanted), QUERIES):
        part = {f"q{number}": one for number, one in enumerate(wanted[first : first + QUERIES])}
        queries = [query(name, one, period) for name, one in part.items()]
        listing = client.get_metric_data, "MetricDataResults"
        for result in every(*listing, MetricDataQueries=queries, **given):
            one = part[result["Id"]]
            status = result.get("StatusCode", "no status")
            if status not in _GOOD:
                raise UnreadableMetricError(f"CloudWatch could not read {one.metric}: {status}")
            times, values = (result.get(key) or [] for key in ("Timestamps", "Values"))
            found[one].update(zip(times, values, strict=True))
    return dict(found)


def query(name: str, asked: Asked, period: int) -> dict[str, Any]:
    """Of GetMetricData; ``name`` is its Id."""
    metric = {
        "Namespace": asked.namespace,
        "MetricName": asked.metric,
        "Dimensions": [{"Name": key, "Value": value} for key, value in asked.dimensions],
    }
    return {"Id": name, "MetricStat": {"Metric": metric, "Period": period, "Stat": asked.statistic}}
