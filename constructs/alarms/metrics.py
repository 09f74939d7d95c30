"""ElastiCache's metrics, and how those of several nodes become one figure to alarm on.

Source: ElastiCache user guide, "Metrics for Valkey and Redis OSS" (namespace AWS/ElastiCache,
every 60 s for each node) and CloudWatch user guide, "Using metric math".
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from aws_cdk import aws_cloudwatch as cloudwatch

from environments.topology import Topology

NAMESPACE = "AWS/ElastiCache"
NODE_ID = "0001"  # a member has one node, and ElastiCache always calls it this
NODE = {"CacheNodeId": NODE_ID}

# What lambda/shared/emf.py writes; a test holds the two together.
OWN_NAMESPACE = "VibeWell/Redis"
OWN_DIMENSION = "ReplicationGroup"
TEST_MARK = "NotificationTest"  # lambda/reviews/watch.py

MetricDataQuery = cloudwatch.CfnAlarm.MetricDataQueryProperty
Series = tuple[str, str, dict[str, str]]  # namespace, metric and dimensions


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure from the metrics of some nodes.

    ``metrics`` are names of AWS/ElastiCache; ``formula`` takes, for each of them, the ids of its
    series (one a node) and returns a metric-math expression.
    """

    metrics: tuple[str, ...]
    statistic: str
    formula: Callable[..., str]

    def parts(self, topology: Topology) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Members that one alarm can watch together, each with the suffix of the alarm's name."""
        return topology.alarm_groups(len(self.metrics))

    def queries(self, members: Sequence[str], period: int) -> list[MetricDataQuery]:
        """The figure over ``members``, in periods of ``period`` seconds, as an alarm takes it."""
        series: dict[str, Series] = {}
        ids: list[list[str]] = []
        for letter, metric in zip("ab", self.metrics, strict=False):
            of_nodes = {
                f"{letter}{number}": (NAMESPACE, metric, {"CacheClusterId": member} | NODE)
                for number, member in enumerate(members, start=1)
            }
            series |= of_nodes
            ids.append(list(of_nodes))
        return _queries(self.formula(*ids), series, self.statistic, period)


@dataclass(frozen=True, slots=True)
class GroupFigure:
    """One figure that is not of each node: of the whole group, or of a resource of ours.

    ``series`` are by their ids: namespace, metric, dimension and its value, which is the group's
    id where it is empty. Without an ``expression`` over them the one series is the figure.
    """

    series: Mapping[str, tuple[str, str, str, str]]
    statistic: str = "Maximum"
    expression: str = ""

    def parts(self, topology: Topology) -> Iterator[tuple[str, tuple[str, ...]]]:
        """One alarm, whatever the topology."""
        yield "", (topology.group_id,)

    def queries(self, groups: Sequence[str], period: int) -> list[MetricDataQuery]:
        """The figure as an alarm takes it."""
        (group,) = groups
        series = {
            name: (namespace, metric, {dimension: value or group})
            for name, (namespace, metric, dimension, value) in self.series.items()
        }
        return _queries(self.expression or "figure", series, self.statistic, period)


def _queries(
    expression: str, series: Mapping[str, Series], statistic: str, period: int
) -> list[MetricDataQuery]:
    """The expression over the series by their ids."""
    alarm = cloudwatch.CfnAlarm
    queries = [
        MetricDataQuery(
            id=series_id,
            metric_stat=alarm.MetricStatProperty(
                metric=alarm.MetricProperty(
                    namespace=namespace,
                    metric_name=metric,
                    dimensions=[
                        alarm.DimensionProperty(name=name, value=value)
                        for name, value in dimensions.items()
                    ],
                ),
                stat=statistic,
                period=period,
            ),
            return_data=series_id == expression,
        )
        for series_id, (namespace, metric, dimensions) in series.items()
    ]
    if expression in series:  # an expression that is one series is that series
        return queries
    return [MetricDataQuery(id="figure", expression=expression, return_data=True), *queries]


def _ours(metric: str) -> tuple[str, str, str, str]:
    return OWN_NAMESPACE, metric, OWN_DIMENSION, ""


def published(metric: str) -> GroupFigure:
    """A figure that our own functions publish for the whole group."""
    return GroupFigure({"figure": _ours(metric)})


def ratios(limits: Sequence[tuple[str, float]]) -> GroupFigure:
    """The greatest of several published figures, each as a part of its own limit."""
    parts = [f"a{at}/{limit}" for at, (_, limit) in enumerate(limits, start=1)]
    series = {f"a{at}": _ours(metric) for at, (metric, _) in enumerate(limits, start=1)}
    return GroupFigure(series, expression=_over("MAX", parts))


def service(namespace: str, metric: str, dimension: str, value: str, statistic: str) -> GroupFigure:
    """A figure that AWS publishes of one of our own resources, under a single dimension."""
    return GroupFigure({"figure": (namespace, metric, dimension, value)}, statistic)


def undelivered_test(topic: str, subscribers: int) -> GroupFigure:
    """1 while a test has gone on for half an hour and SNS has not counted ``subscribers`` messages.

    The watch publishes its mark every 15 minutes; SNS sends nothing of a topic that was idle.
    """
    seen = ("AWS/SNS", "NumberOfNotificationsDelivered", "TopicName", topic)
    expression = f"IF(marks>=3,IF(FILL(seen,0)<{subscribers},1,0),0)"
    return GroupFigure({"marks": _ours(TEST_MARK), "seen": seen}, "Sum", expression)


def highest(metric: str, statistic: str = "Maximum") -> Figure:
    """The worst node's, where high is bad."""
    return Figure((metric,), statistic, lambda ids: _over("MAX", ids))


def lowest(metric: str, statistic: str = "Minimum") -> Figure:
    """The worst node's, where low is bad."""
    return Figure((metric,), statistic, lambda ids: _over("MIN", ids))


def total(*metrics: str) -> Figure:
    """All nodes' together, of one or more counters."""
    return Figure(
        metrics, "Sum", lambda *ids: _over("SUM", [one for several in ids for one in several])
    )


def hit_rate(minimum_reads: int) -> Figure:
    """Percent of reads that found their key; 100 while there are fewer than ``minimum_reads``.

    A millionth of a read is added to both, because CloudWatch drops a point that is divided by
    zero; added to the divisor alone it would put exactly 80 % below 80.
    """

    def formula(hits: Sequence[str], misses: Sequence[str]) -> str:
        reads = _over("SUM", [*hits, *misses])
        share = f"100*({_over('SUM', hits)}+0.000001)/({reads}+0.000001)"
        return f"IF({reads}<{minimum_reads},100,{share})"

    return Figure(("CacheHits", "CacheMisses"), "Sum", formula)


def samples_of_all(metric: str) -> Figure:
    """A product that is below 1, or not there at all, as soon as one node sent nothing.

    A sum would not do: in arithmetic CloudWatch takes a missing value for 0 (user guide, "Using
    metric math"), so the other nodes would hide the silent one.
    """
    return Figure((metric,), "SampleCount", "*".join)


def _over(function: str, ids: Sequence[str]) -> str:
    return ids[0] if len(ids) == 1 else f"{function}([{','.join(ids)}])"


MissingData = Literal["missing", "notBreaching", "breaching"]


class Severity(StrEnum):
    """Warnings are in Slack only; critical alarms also page the engineer on call (§3.3)."""

    WARNING = "warning"
    CRITICAL = "critical"


class Panel(StrEnum):
    """The graph of the dashboard on which an alarm's threshold is drawn (§3.2)."""

    MEMORY = "Memory"
    CPU = "CPU"
    NETWORK = "Network bandwidth"
    CONNECTIONS = "Connections"
    HITS = "Hits and misses"
    LAG = "Replication lag"
    EVICTIONS = "Evictions"
    CREDITS = "CPU credits"
    LOGINS = "Refused logins"
    SWAP = "Swap"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmSpec:
    """One alarm on one figure: ``threshold`` in the metric's own unit, ``period`` in seconds.

    It fires when ``datapoints_to_alarm`` in a row are beyond the threshold, or as many of the last
    ``evaluation_periods`` where that is given. ``runbook`` is its section, if it has another name.
    ``clears`` is false where OK says only that the event is over: PagerDuty would resolve an
    incident that nobody has worked on. ``when_new`` says why and how long it fires in a new
    deployment; where missing data is breaching it always does.
    """

    name: str
    severity: Severity = Severity.WARNING
    figure: Figure | GroupFigure
    comparison: Literal["above", "below"] = "above"
    threshold: float = 0
    period: int = 60
    datapoints_to_alarm: int = 3
    evaluation_periods: int | None = None
    treat_missing_data: MissingData = "notBreaching"
    panel: Panel | None = None
    drawn: bool = True
    means: str
    first: str
    runbook: str = ""
    clears: bool = True
    when_new: str = ""

    @property
    def description(self) -> str:
        """The first part of AlarmDescription: the meaning, and when the alarm is expected."""
        new = self.when_new or (_UNTIL_PUBLISHED if self.treat_missing_data == "breaching" else "")
        return f"{self.means} {new}".rstrip()


_UNTIL_PUBLISHED = "In a new deployment it can fire for an hour, until the first data point exists."
