"""The figures of CloudWatch that a review asks for."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.aws_calls import every
from shared.errors import StoppedError

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
    for first in range(0, len(wanted), QUERIES):
        part = {f"q{number}": one for number, one in enumerate(wanted[first : first + QUERIES])}
        queries = [_query(name, one, period) for name, one in part.items()]
        for result in every(
            client.get_metric_data,
            "read metrics",
            "MetricDataResults",
            MetricDataQueries=queries,
            StartTime=start,
            EndTime=end,
            ScanBy="TimestampAscending",
        ):
            one = part[result["Id"]]
            if result["StatusCode"] not in _GOOD:
                raise UnreadableMetricError(
                    f"CloudWatch could not read {one.metric}: {result['StatusCode']}"
                )
            found[one].update(zip(result["Timestamps"], result["Values"], strict=True))
    return dict(found)


def _query(name: str, asked: Asked, period: int) -> dict[str, Any]:
    metric = {
        "Namespace": asked.namespace,
        "MetricName": asked.metric,
        "Dimensions": [{"Name": key, "Value": value} for key, value in asked.dimensions],
    }
    return {
        "Id": name,
        "MetricStat": {"Metric": metric, "Period": period, "Stat": asked.statistic},
    }
