"""CloudWatch's evaluation of every alarm, minute by minute, over CloudWatch's own API.

An alarm as DescribeAlarms gives it, and what it watches.

CloudWatch's time, run faster than ours.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from aws_rules.metric_math import MetricMath, Missing, Series
from aws_rules.recording import Metric
from emulator.cloudwatch.evaluation import Rule, State, Treatment, next_state


@dataclass(frozen=True)
class Alarm:
    """`result` is the id of the query whose series is compared with the threshold."""

    name: str
    state: State
    rule: Rule
    stats: Mapping[str, Metric]
    expressions: Mapping[str, str]
    result: str
    actions: Mapping[State, tuple[str, ...]]

    @property
    def period(self) -> int:
        """Seconds; all metrics of one alarm have the same (CloudWatch user guide)."""
        return next(iter(self.stats.values())).period

    def figure(
        self, series: Mapping[Metric, Series], times: list[int], missing: Missing
    ) -> list[float | None]:
        """The figure in each of the periods that begin at `times`; None where there is none."""
        by_query = {query: series.get(stat, {}) for query, stat in self.stats.items()}
        figure = MetricMath(by_query, self.expressions, times, missing).series(self.result)
        return [figure.get(at) for at in times]


_QUERIES = 500  # that one GetMetricData takes


class Evaluator:
    """Of the alarms with these `names`, of all without any.

    `missing` is how metric math reads a value that is missing; see metric_math.py.
    """

    def __init__(self, cloudwatch: Any, names: Iterable[str] = ()) -> None:
        self._cloudwatch = cloudwatch
        self._asked = {"AlarmNames": [*names]} if names else {}
        self.missing = Missing.ZERO

    def alarms(self) -> list[Alarm]:
        """Every alarm on metrics as it is deployed, with its state."""
        pages = self._cloudwatch.get_paginator("describe_alarms").paginate(**self._asked)
        return [read(described) for page in pages for described in page["MetricAlarms"]]

    def evaluate(self, now: int) -> dict[str, State]:
        """Evaluate all alarms at a moment, in seconds since the epoch; their states by name.

        Only whole periods count, and they begin at multiples of their length (unverified for
        periods beyond a minute).
        """
        alarms = self.alarms()
        series = self._series(alarms, now)
        return {alarm.name: self._evaluate(alarm, series, now) for alarm in alarms}

    def _evaluate(self, alarm: Alarm, series: Mapping[Metric, Series], now: int) -> State:
        times = _periods(alarm, now)
        figures = alarm.figure(series, times, self.missing)
        state = next_state(alarm.rule, figures, alarm.state)
        if state is not alarm.state:
            self._cloudwatch.set_alarm_state(
                AlarmName=alarm.name, StateValue=state.value, StateReason=f"datapoints: {figures}"
            )
        return state

    def _series(self, alarms: Sequence[Alarm], now: int) -> dict[Metric, Series]:
        by_stat: dict[Metric, Series] = {}
        # Hardly more than is looked at, in a call for each period: one alarm looks back over days,
        # most of them over minutes.
        for period in {alarm.period for alarm in alarms}:
            alike = [alarm for alarm in alarms if alarm.period == period]
            # ministack gives every series of a metric for a query without dimensions; CloudWatch
            # only the series that was published without any, which no node does.
            stats = {stat for alarm in alike for stat in alarm.stats.values() if stat.dimensions}
            began = min(_periods(alarm, now)[0] for alarm in alike)
            by_stat |= self.retrieved([*stats], began, now)
        return by_stat

    def retrieved(self, stats: Sequence[Metric], began: int, now: int) -> dict[Metric, Series]:
        """What CloudWatch has of each between two moments, in seconds since the epoch."""
        by_stat: dict[Metric, Series] = {}
        for start in range(0, len(stats), _QUERIES):
            part = stats[start : start + _QUERIES]
            answer = self._cloudwatch.get_metric_data(
                MetricDataQueries=[_query(f"q{number}", stat) for number, stat in enumerate(part)],
                StartTime=datetime.fromtimestamp(began, UTC),
                EndTime=datetime.fromtimestamp(now, UTC),
            )
            for result in answer["MetricDataResults"]:
                points = zip(result["Timestamps"], result["Values"], strict=True)
                by_stat[part[int(result["Id"][1:])]] = {
                    int(at.timestamp()): value for at, value in points
                }
        return by_stat


def _periods(alarm: Alarm, now: int) -> list[int]:
    end = now // alarm.period * alarm.period
    return [end - number * alarm.period for number in range(alarm.rule.range, 0, -1)]


def _query(name: str, stat: Metric) -> dict[str, Any]:
    dimensions = [{"Name": key, "Value": value} for key, value in stat.dimensions]
    metric = {"Namespace": stat.namespace, "MetricName": stat.name, "Dimensions": dimensions}
    return {
        "Id": name,
        "MetricStat": {"Metric": metric, "Period": stat.period, "Stat": stat.statistic},
    }


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
    return {"Id": "metric", "MetricStat": stat, "ReturnData": True}


def _stat(query: Mapping[str, Any]) -> Metric:
    metric = query["Metric"]
    dimensions = sorted((one["Name"], one["Value"]) for one in metric.get("Dimensions", []))
    return Metric(
        *(metric["Namespace"], metric["MetricName"], tuple(dimensions)),
        *(query["Stat"], int(query["Period"])),
    )


MINUTE = 60  # seconds of CloudWatch's time

# It runs through last week: CloudWatch takes data of the last two weeks, and none of the future.
_BEHIND = 7 * 24 * 3600


class Clock:
    """One CloudWatch minute after the other, each lasting at least `seconds` of ours.

    It begins after the moment `after`, in seconds since the epoch, where that is later.
    """

    def __init__(self, seconds: float, after: float = 0) -> None:
        self.seconds = seconds
        self.minutes = 0
        self._began = int(max(time.time() - _BEHIND, after)) // MINUTE * MINUTE + MINUTE
        self._next = time.monotonic()

    @property
    def minute(self) -> int:
        """When the present CloudWatch minute began, in seconds since the epoch."""
        return self._began + self.minutes * MINUTE

    @property
    def speed(self) -> str:
        """How fast it runs, for people."""
        return (
            f"compressed clock: a CloudWatch minute lasts at least {self.seconds:g} s here, "
            f"so it runs up to {MINUTE / self.seconds:.0f} times as fast"
        )

    def tick(self) -> None:
        """Go to the next minute, when this one has lasted long enough."""
        self._next = max(self._next + self.seconds, time.monotonic())
        time.sleep(max(0.0, self._next - time.monotonic()))
        self.minutes += 1
