"""An alarm as DescribeAlarms gives it, and what it watches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from emulator.cloudwatch.evaluation import Rule, State, Treatment
from emulator.cloudwatch.metric_math import MetricMath, Missing
from emulator.cloudwatch.values import Series

_ONLY = "metric"  # the id given to the one metric of an alarm without metric math


@dataclass(frozen=True)
class Stat:
    """One metric, one statistic; `period` is in seconds.

    The dimensions are part of a metric's identity: nothing is found under another set of them.
    """

    namespace: str
    metric: str
    dimensions: frozenset[tuple[str, str]]
    statistic: str
    period: int

    def __str__(self) -> str:
        """As it reads in a complaint."""
        of = ", ".join(f"{name}={value}" for name, value in sorted(self.dimensions))
        return f"{self.statistic} of {self.namespace} {self.metric} of {of or 'no dimension'}"


@dataclass(frozen=True)
class Alarm:
    """`result` is the id of the query whose series is compared with the threshold."""

    name: str
    state: State
    rule: Rule
    stats: Mapping[str, Stat]
    expressions: Mapping[str, str]
    result: str
    actions: Mapping[State, tuple[str, ...]]

    @property
    def period(self) -> int:
        """Seconds; all metrics of one alarm have the same (CloudWatch user guide)."""
        return next(iter(self.stats.values())).period

    def figure(
        self, series: Mapping[Stat, Series], times: list[int], missing: Missing
    ) -> list[float | None]:
        """The figure in each of the periods that begin at `times`; None where there is none."""
        found = {query: series.get(stat, {}) for query, stat in self.stats.items()}
        figure = MetricMath(found, self.expressions, times, missing).series(self.result)
        return [figure.get(at) for at in times]


def read(described: Mapping[str, Any]) -> Alarm:
    """One entry of MetricAlarms of DescribeAlarms."""
    queries = described.get("Metrics") or [_single(described)]
    (result,) = (query["Id"] for query in queries if query.get("ReturnData", True))
    periods = described["EvaluationPeriods"]
    return Alarm(
        name=described["AlarmName"],
        state=State(described["StateValue"]),
        rule=Rule(
            comparison=described["ComparisonOperator"],
            threshold=float(described["Threshold"]),
            periods=periods,
            to_alarm=described.get("DatapointsToAlarm", periods),
            treatment=Treatment(described.get("TreatMissingData", "missing")),
        ),
        stats={q["Id"]: _stat(q["MetricStat"]) for q in queries if "MetricStat" in q},
        expressions={q["Id"]: q["Expression"] for q in queries if "Expression" in q},
        result=result,
        actions={
            State.ALARM: tuple(described.get("AlarmActions", ())),
            State.OK: tuple(described.get("OKActions", ())),
            State.INSUFFICIENT_DATA: tuple(described.get("InsufficientDataActions", ())),
        },
    )


def _single(described: Mapping[str, Any]) -> dict[str, Any]:
    metric = {key: described[key] for key in ("Namespace", "MetricName")}
    metric["Dimensions"] = described.get("Dimensions", [])
    stat = {"Metric": metric, "Period": described["Period"], "Stat": described["Statistic"]}
    return {"Id": _ONLY, "MetricStat": stat, "ReturnData": True}


def _stat(query: Mapping[str, Any]) -> Stat:
    metric = query["Metric"]
    dimensions = frozenset((one["Name"], one["Value"]) for one in metric.get("Dimensions", []))
    return Stat(
        metric["Namespace"], metric["MetricName"], dimensions, query["Stat"], int(query["Period"])
    )
