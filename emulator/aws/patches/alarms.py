"""CloudWatch: alarms of metric math that change their state by SetAlarmState only."""
# ruff: noqa: SLF001 - another package's private names are its matter

import json
from collections.abc import Callable
from typing import Any

from ministack.services import cloudwatch  # type: ignore[import-not-found]
from ministack.services.cloudformation import provisioners  # type: ignore[import-not-found]

Record = dict[str, Any]


def on_state_change(act: Callable[[Record, str, str, str], None]) -> None:
    """Run `act(alarm, old state, new state, reason)` instead of sending ministack's own message."""
    cloudwatch._dispatch_alarm_actions = act


_OF_A_SINGLE_METRIC = ("MetricName", "Namespace", "Statistic", "Period", "Dimensions")


def _patch_alarms() -> None:
    """Keep metric math, and change states by SetAlarmState only: ministack ignores dimensions."""
    record_of = provisioners._cw_metric_alarm_record

    def record(name: str, properties: Record) -> Record:
        queries = properties.get("Metrics")
        if not queries:
            alarm: Record = record_of(name, properties)
            return alarm
        alarm = record_of(
            name, {**properties, "Metrics": None, "MetricName": "-", "Namespace": "-"}
        )
        for single in _OF_A_SINGLE_METRIC:
            del alarm[single]
        return {**alarm, "Metrics": queries}

    put = cloudwatch._put_metric_alarm

    def put_whole(params: Record, data: Record, *protocol: Any, **others: Any) -> Any:
        answer = put(params, data, *protocol, **others)
        queries = (data or {}).get("Metrics")
        if queries:
            alarm = cloudwatch._alarms[data["AlarmName"]]
            for single in _OF_A_SINGLE_METRIC:
                del alarm[single]
            alarm["Metrics"] = queries
        return answer

    cloudwatch._put_metric_alarm = put_whole
    provisioners._cw_metric_alarm_record = record
    cloudwatch._evaluate_alarm = lambda _alarm: None


def _patch_alarm_history() -> None:
    """An alarm's history begins with its creation, not with a change that changes nothing."""
    record = cloudwatch._record_history

    def recorded(name: str, old: str, new: str, *rest: Any, **more: Any) -> None:
        record(name, old, new, *rest, **more)
        item = cloudwatch._history_entries()[-1]
        if old == new:
            item["HistoryItemType"] = "ConfigurationUpdate"
            item["HistorySummary"] = f'Alarm "{name}" created'
            item["HistoryData"] = json.dumps({"version": "1.0", "type": "Create"})

    cloudwatch._record_history = recorded


def install() -> None:
    """Keep metric math, figures and history as CloudWatch does."""
    _patch_alarms()
    # CloudWatch keeps figures of an hour for 455 days, ministack all for 14. It also goes through
    # every figure with each call: two thirds of the time of the alarms' scenario.
    cloudwatch._evict_old_metrics = lambda: None
    _patch_alarm_history()
