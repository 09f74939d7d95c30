"""The nodes' metrics, published to CloudWatch every minute under AWS/ElastiCache."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

NAMESPACE = "AWS/ElastiCache"
OWN_NAMESPACE = "VibeWell/Redis"
OWN_DIMENSION = "ReplicationGroup"
NODE = "0001"  # a member has one node, and ElastiCache always calls it this
_A_CALL = 1000  # data that one PutMetricData takes
_RETENTION = timedelta(days=15)  # as CloudWatch keeps figures of a minute

Readings = Iterable[Mapping[str, Any]]


def dimensions(member: str) -> list[dict[str, str]]:
    """Those of every metric of one node."""
    return [
        {"Name": "CacheClusterId", "Value": member},
        {"Name": "CacheNodeId", "Value": NODE},
    ]


def newest(cloudwatch: Any, member: str) -> float:
    """When a node last published, in seconds since the epoch; 0 when it never did."""
    now = datetime.now(UTC)
    answer = cloudwatch.get_metric_statistics(
        Namespace=NAMESPACE,
        MetricName="CurrConnections",
        Dimensions=dimensions(member),
        Period=60,
        StartTime=now - _RETENTION,
        EndTime=now + _RETENTION,
        Statistics=["SampleCount"],
    )
    return max((point["Timestamp"].timestamp() for point in answer["Datapoints"]), default=0.0)


class Publisher:
    """Takes `read()`, the nodes' real metrics (member, name, value), to CloudWatch.

    `instead` holds values, by member and metric, that are published in the place of the real ones;
    members in `silent` publish nothing. `own` is what our functions publish of `group`,
    by metric, or what AWS publishes of them, by `namespace dimension=value metric`; nothing while
    it is empty.
    """

    def __init__(self, cloudwatch: Any, read: Callable[[], Readings], group: str) -> None:
        self._cloudwatch = cloudwatch
        self._read = read
        self._own_dimension = f"{OWN_DIMENSION}={group}"
        self.own: dict[str, float] = {}
        self.instead: dict[tuple[str, str], float] = {}
        self.silent: set[str] = set()

    def publish(self, minute: int) -> None:
        """Publish one reading of all nodes, at a moment in seconds since the epoch."""
        at = datetime.fromtimestamp(minute, UTC)
        real = {(reading["member"], reading["name"]): reading["value"] for reading in self._read()}
        data = defaultdict[str, list[dict[str, Any]]](list)
        for (member, metric), value in (real | self.instead).items():
            if member not in self.silent:
                data[NAMESPACE].append(_datum(metric, dimensions(member), at, value))
        for name, value in self.own.items():
            namespace, where, metric = (
                name.split() if " " in name else (OWN_NAMESPACE, self._own_dimension, name)
            )
            dimension, _, of = where.partition("=")
            place = [{"Name": dimension, "Value": of}]
            data[namespace].append(_datum(metric, place, at, value))
        for namespace, figures in data.items():
            for start in range(0, len(figures), _A_CALL):
                self._cloudwatch.put_metric_data(
                    Namespace=namespace, MetricData=figures[start : start + _A_CALL]
                )


def _datum(metric: str, where: list[dict[str, str]], at: datetime, value: float) -> dict[str, Any]:
    return {"MetricName": metric, "Dimensions": where, "Timestamp": at, "Value": value}
