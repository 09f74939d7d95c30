"""The daily snapshot window and the weekly maintenance window, in UTC."""

from __future__ import annotations

import re
from dataclasses import dataclass

from emulator.elasticache.errors import invalid_value

DAY = 24 * 60
WEEK = 7 * DAY
SHORTEST = 60
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_TIME = r"([01]\d|2[0-3]):([0-5]\d)"
_DAILY = re.compile(f"{_TIME}-{_TIME}")
_WEEKLY = re.compile(f"({'|'.join(DAYS)}):{_TIME}-({'|'.join(DAYS)}):{_TIME}", re.IGNORECASE)


@dataclass(frozen=True)
class Window:
    """`start` and `length` in minutes, within a cycle that is a day or a week long."""

    start: int
    length: int
    cycle: int


def daily(text: str) -> Window:
    """A snapshot window like 02:00-03:00, at least 60 minutes long."""
    match = _DAILY.fullmatch(text)
    if match is None:
        raise invalid_value(f"Invalid snapshot window format: {text}.")
    hour, minute, end_hour, end_minute = (int(part) for part in match.groups())
    start = hour * 60 + minute
    length = (end_hour * 60 + end_minute - start) % DAY
    if length < SHORTEST:
        raise invalid_value("Snapshot window must be at least 60 minutes.")
    return Window(start, length, DAY)


def weekly(text: str) -> Window:
    """A maintenance window like sun:03:00-sun:05:00, at least 60 minutes long."""
    match = _WEEKLY.fullmatch(text)
    if match is None:
        raise invalid_value(f"Invalid maintenance window format: {text}.")
    day, hour, minute, end_day, end_hour, end_minute = match.groups()
    start = DAYS.index(day.lower()) * DAY + int(hour) * 60 + int(minute)
    end = DAYS.index(end_day.lower()) * DAY + int(end_hour) * 60 + int(end_minute)
    length = (end - start) % WEEK
    if length < SHORTEST:
        raise invalid_value("Maintenance window must be at least 60 minutes.")
    return Window(start, length, WEEK)


def check_apart(snapshot: Window, maintenance: Window) -> None:
    """Raises InvalidParameterValue if the daily window ever runs during the weekly one."""
    for day in range(7):
        start = day * DAY + snapshot.start
        # The later start decides: it must not lie inside the other window, around the week's end.
        into_maintenance = (start - maintenance.start) % WEEK
        into_snapshot = (maintenance.start - start) % WEEK
        if into_maintenance < maintenance.length or into_snapshot < snapshot.length:
            raise invalid_value("The snapshot window and maintenance window must not overlap.")
