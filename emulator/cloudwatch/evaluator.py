"""CloudWatch's evaluation of every alarm, minute by minute, over CloudWatch's own API."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from emulator.cloudwatch.alarm import Alarm, Stat, read
from emulator.cloudwatch.evaluation import State, next_state
from emulator.cloudwatch.metric_math import Missing
from emulator.cloudwatch.reasons import reason
from emulator.cloudwatch.values import Series

_QUERIES = 500  # that one GetMetricData takes


class Evaluator:
    """`missing` is how metric math reads a value that is missing; see metric_math.py."""

    def __init__(self, cloudwatch: Any) -> None:
        self._cloudwatch = cloudwatch
        self.missing = Missing.ZERO

    def alarms(self) -> list[Alarm]:
        """Every alarm on metrics as it is deployed, with its state."""
        pages = self._cloudwatch.get_paginator("describe_alarms").paginate()
        return [read(found) for page in pages for found in page["MetricAlarms"]]

    def evaluate(self, now: int) -> dict[str, State]:
        """Evaluate all alarms at a moment, in seconds since the epoch; their states by name.

        Only whole periods count, and they begin at multiples of their length (unverified for
        periods beyond a minute).
        """
        alarms = self.alarms()
        series = self._series(alarms, now)
        return {alarm.name: self._evaluate(alarm, series, now) for alarm in alarms}

    def _evaluate(self, alarm: Alarm, series: Mapping[Stat, Series], now: int) -> State:
        times = _periods(alarm, now)
        figures = alarm.figure(series, times, self.missing)
        state = next_state(alarm.rule, figures, alarm.state)
        if state is not alarm.state:
            why = reason(alarm.rule, times, figures, state)
            self._cloudwatch.set_alarm_state(
                AlarmName=alarm.name, StateValue=state.value, StateReason=why
            )
        return state

    def _series(self, alarms: Iterable[Alarm], now: int) -> dict[Stat, Series]:
        # Hardly more than is looked at, in a call for each period: one alarm looks back over days,
        # most of them over minutes.
        groups = defaultdict[int, set[Stat]](set)
        begins: dict[int, int] = {}
        for alarm in alarms:
            for stat in alarm.stats.values():
                # ministack gives every series of a metric for a query without dimensions;
                # CloudWatch only the series that was published without any, which no node does.
                if stat.dimensions:
                    groups[stat.period].add(stat)
                    began = _periods(alarm, now)[0]
                    begins[stat.period] = min(begins.get(stat.period, now), began)
        found: dict[Stat, Series] = {}
        for period, stats in groups.items():
            asked = list(stats)
            for start in range(0, len(asked), _QUERIES):
                found |= self._retrieved(asked[start : start + _QUERIES], begins[period], now)
        return found

    def _retrieved(self, stats: Sequence[Stat], began: int, now: int) -> dict[Stat, Series]:
        answer = self._cloudwatch.get_metric_data(
            MetricDataQueries=[_query(f"q{number}", stat) for number, stat in enumerate(stats)],
            StartTime=datetime.fromtimestamp(began, UTC),
            EndTime=datetime.fromtimestamp(now, UTC),
        )
        found: dict[Stat, Series] = {}
        for result in answer["MetricDataResults"]:
            points = zip(result["Timestamps"], result["Values"], strict=True)
            found[stats[int(result["Id"][1:])]] = {
                int(at.timestamp()): value for at, value in points
            }
        return found


def _periods(alarm: Alarm, now: int) -> list[int]:
    end = now // alarm.period * alarm.period
    return [end - number * alarm.period for number in range(alarm.rule.range, 0, -1)]


def _query(name: str, stat: Stat) -> dict[str, Any]:
    dimensions = [{"Name": key, "Value": value} for key, value in sorted(stat.dimensions)]
    metric = {"Namespace": stat.namespace, "MetricName": stat.metric, "Dimensions": dimensions}
    return {
        "Id": name,
        "MetricStat": {"Metric": metric, "Period": stat.period, "Stat": stat.statistic},
    }
