"""How often and how long alarms fired in a week, and how long they had no data."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from shared.aws_calls import every

ALARM, BLIND, OK = "ALARM", "INSUFFICIENT_DATA", "OK"
NONE = timedelta()


@dataclass(frozen=True)
class Spoke:
    """An alarm's week: how often and how long it fired, how long without data; its state now."""

    name: str
    fired: int
    on: timedelta
    blind: timedelta
    state: str

    @property
    def heard(self) -> bool:
        """Whether anybody was notified of it, or should have been."""
        return bool(self.fired or self.on or self.still_on)

    @property
    def still_on(self) -> bool:
        """Whether it is on now."""
        return self.state == ALARM


def alarms(client: Any, prefix: str, start: datetime, end: datetime, now: datetime) -> list[Spoke]:
    """Every alarm whose name begins with ``prefix``. Raises what ``ask`` raises.

    CloudWatch keeps an alarm's history for at least two weeks.
    """
    # Until now: the state that it is in, and an alarm that was made since, have their cause there.
    return [
        spoken(alarm, _history(client, alarm["AlarmName"], start, now), start, end)
        for alarm in every(
            client.describe_alarms, "describe alarms", "MetricAlarms", AlarmNamePrefix=prefix
        )
    ]


def spoken(
    alarm: Mapping[str, Any],
    history: Sequence[Mapping[str, Any]],
    start: datetime,
    end: datetime,
) -> Spoke:
    """From the alarm as it is, and its history since ``start``, oldest first, until ``end``."""
    # (when, the state before, the state from then on)
    changes: list[tuple[datetime, str, str]] = []
    began = start
    for item in history:
        told = json.loads(item.get("HistoryData") or "{}")
        if item["HistoryItemType"] == "StateUpdate":
            old, new = told["oldState"]["stateValue"], told["newState"]["stateValue"]
            changes.append((item["Timestamp"], old, new))
        elif told.get("type") == "Create":
            began, changes = item["Timestamp"], []
    state: str = alarm["StateValue"]
    first = changes[0][1] if changes else state
    turns = [(began, first), *((when, new) for when, _, new in changes), (end, state)]
    spent = {ALARM: NONE, BLIND: NONE, OK: NONE}
    for (since, was), (until, _) in pairwise(turns):
        spent[was] += max(NONE, min(until, end) - since)
    fired = sum(new == ALARM and old != ALARM and when < end for when, old, new in changes)
    return Spoke(alarm["AlarmName"], fired, spent[ALARM], spent[BLIND], state)


def _history(client: Any, name: str, start: datetime, end: datetime) -> list[Mapping[str, Any]]:
    items = every(
        client.describe_alarm_history,
        "read the history of an alarm",
        "AlarmHistoryItems",
        AlarmName=name,
        StartDate=start,
        EndDate=end,
        ScanBy="TimestampAscending",
        MaxRecords=100,
    )
    return list(items)
