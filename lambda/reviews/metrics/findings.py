"""What of a week a person must read, in the order in which it matters, and what is only said."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from reviews.metrics.measures import Compared, Week
from reviews.report import amount
from shared.aws_calls import every

ALARM, NO_DATA, OK = "ALARM", "INSUFFICIENT_DATA", "OK"
NONE = timedelta()


@dataclass(frozen=True)
class AlarmWeek:
    """An alarm's week: how often it fired, how long it was on and without data; its state now."""

    name: str
    fired: int
    on: timedelta
    no_data: timedelta
    state: str

    @property
    def active(self) -> bool:
        """Whether a message was sent of it, or should have been."""
        return bool(self.fired or self.on or self.still_on)

    @property
    def still_on(self) -> bool:
        """Whether it is on now."""
        return self.state == ALARM


def alarms(
    client: Any, prefix: str, start: datetime, end: datetime, now: datetime
) -> list[AlarmWeek]:
    """Every alarm whose name begins with ``prefix``. Raises what ``ask`` raises.

    CloudWatch keeps an alarm's history for at least two weeks. It is read until now: the state that
    an alarm is in, and one that was made since, have their cause there.
    """
    reading = client.describe_alarm_history, "AlarmHistoryItems"
    pages: dict[str, Any] = {"ScanBy": "TimestampAscending", "MaxRecords": 100}
    pages |= {"StartDate": start, "EndDate": now}
    return [
        alarm_week(alarm, list(every(*reading, AlarmName=alarm["AlarmName"], **pages)), start, end)
        for alarm in every(client.describe_alarms, "MetricAlarms", AlarmNamePrefix=prefix)
    ]


def alarm_week(
    alarm: Mapping[str, Any], history: Sequence[Mapping[str, Any]], start: datetime, end: datetime
) -> AlarmWeek:
    """From the alarm as it is, and its history since ``start``, oldest first, until ``end``."""
    # (when, the state before, the state from then on)
    changes: list[tuple[datetime, str, str]] = []
    began = start
    for item in history:
        data = json.loads(item.get("HistoryData") or "{}")
        if item["HistoryItemType"] == "StateUpdate":
            old, new = data["oldState"]["stateValue"], data["newState"]["stateValue"]
            changes.append((item["Timestamp"], old, new))
        elif data.get("type") == "Create":
            began, changes = item["Timestamp"], []
    state: str = alarm["StateValue"]
    first = changes[0][1] if changes else state
    turns = [(began, first), *((when, new) for when, _, new in changes), (end, state)]
    spent = {ALARM: NONE, NO_DATA: NONE, OK: NONE}
    for (since, was), (until, _) in pairwise(turns):
        spent[was] += max(NONE, min(until, end) - since)
    fired = sum(new == ALARM and old != ALARM and when < end for when, old, new in changes)
    return AlarmWeek(alarm["AlarmName"], fired, spent[ALARM], spent[NO_DATA], state)


LONG_NO_DATA = timedelta(hours=1)


@dataclass(frozen=True)
class Review:
    """A week of a group: from ``start`` until ``end``; ``prefix`` begins its alarms' names."""

    group_id: str
    prefix: str
    start: datetime
    end: datetime
    measures: Sequence[Compared]
    alarms: Sequence[AlarmWeek]

    @property
    def new(self) -> bool:
        """Whether there is no week yet: no node ever sent anything, and no alarm waited for it.

        Where nodes fell silent the alarm not-reporting was on.
        """
        of_nodes = [one for one in self.measures if one.measure.of_nodes]
        no_data = all(one.now is one.before is None for one in of_nodes)
        return no_data and not any(alarm.active or alarm.no_data for alarm in self.alarms)


def findings(review: Review) -> Iterator[str]:
    """A line for each thing that somebody has to look at; none where all was well."""
    ordered = sorted(review.alarms, key=lambda alarm: (not alarm.still_on, -alarm.on, alarm.name))
    for alarm in ordered:
        if alarm.active:
            yield f"*{short(alarm, review)}* {_how_often(alarm)}."
    for alarm in ordered:
        if alarm.no_data >= LONG_NO_DATA:
            yield f"*{short(alarm, review)}* had no data for {length(alarm.no_data)}."
    silent = [one.measure.title for one in review.measures if one.silent]
    if silent and not review.new:
        has = "has" if len(silent) == 1 else "have"
        yield f"*{', '.join(silent)}* {has} no data in CloudWatch this week."
    listed = tuple(short(alarm, review) for alarm in ordered if alarm.active)
    for one in review.measures:
        already = any(name.startswith(f"{one.measure.name}-") for name in listed)
        if one.often_beyond and one.now and not already:
            yield f"*{one.measure.title}* was {_beyond(one, one.now)}."


def remarks(review: Review) -> Iterator[str]:
    """What is worth a line though nobody has to act."""
    if review.new:
        yield "There is no week to look at yet: no node sent anything before today."
        return
    if not any(alarm.active for alarm in review.alarms):
        yield f"None of {len(review.alarms)} alarms fired."
    closest = max(review.measures, key=lambda one: one.nearness, default=None)
    if closest and closest.now and closest.nearness > 0:
        yield f"Closest to its line: {closest.measure.title}, {_reached(closest, closest.now)}."


def short(alarm: AlarmWeek, review: Review) -> str:
    """The alarm's name without what all names begin with."""
    return alarm.name.removeprefix(review.prefix)


def length(time: timedelta) -> str:
    """As a person says it: "2 h 10 min"."""
    minutes = round(time / timedelta(minutes=1))
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    parts = [(days, "d"), (hours, "h"), *([] if days else [(rest, "min")])]
    said = " ".join(f"{count} {unit}" for count, unit in parts if count)
    return said or "under a minute"


def _how_often(alarm: AlarmWeek) -> str:
    if not alarm.fired and not alarm.on:
        return "is on now"
    if not alarm.fired:
        had, still = ("has been", " and still is") if alarm.still_on else ("was", "")
        return f"{had} on for {length(alarm.on)}{still}"
    times = {1: "once", 2: "twice"}.get(alarm.fired, f"{alarm.fired} times")
    still = ", and is still on" if alarm.still_on else ""
    return f"fired {times}, {length(alarm.on)} in all{still}"


def _beyond(one: Compared, now: Week) -> str:
    line = amount(one.measure.warning or 0.0, one.measure.unit)
    return f"{one.measure.beyond} {line} for {100 * now.beyond:.0f} % of the week"


def _reached(one: Compared, now: Week) -> str:
    measure = one.measure
    line = f"warning {measure.beyond} {amount(measure.warning or 0.0, measure.unit)}"
    last = f", last week {amount(one.before.worst, measure.unit)}" if one.before else ""
    return f"{amount(now.worst, measure.unit)} ({line}{last})"
