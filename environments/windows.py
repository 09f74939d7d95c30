"""The daily snapshot window and the weekly maintenance window, as minutes of a week.

Source: ElastiCache API reference, CreateReplicationGroup, SnapshotWindow and
PreferredMaintenanceWindow (both UTC); a window has 60 minutes or more.
"""

import re
from dataclasses import dataclass

from environments.section import refusal

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY = 24 * 60
WEEK = 7 * DAY
SHORTEST = 60
LONGEST_MAINTENANCE = 24 * 60

_CLOCK = r"([01][0-9]|2[0-3]):([0-5][0-9])"
_DAILY = re.compile(f"{_CLOCK}-{_CLOCK}")
_WEEKLY = re.compile(f"({'|'.join(DAYS)}):{_CLOCK}-({'|'.join(DAYS)}):{_CLOCK}")


@dataclass(frozen=True, slots=True)
class Window:
    """A span of time: ``start`` and ``minutes`` long, repeated every ``period`` minutes."""

    text: str
    start: int
    minutes: int
    period: int

    def occurrences(self) -> list[tuple[int, int]]:
        """Each span of one week as (start, end) in minutes from Monday 00:00 UTC."""
        starts = range(self.start, WEEK, self.period)
        return [(start, start + self.minutes) for start in starts]

    def overlaps(self, other: "Window") -> bool:
        """Whether the two share a minute in any week; a window may run past midnight or Sunday."""
        return any(
            start < other_end + shift and other_start + shift < end
            for start, end in self.occurrences()
            for other_start, other_end in other.occurrences()
            for shift in (-WEEK, 0, WEEK)
        )


def snapshot_window(text: str) -> Window:
    """Parse ``hh:mm-hh:mm`` UTC; ValueError names what ElastiCache refuses."""
    match = _DAILY.fullmatch(text)
    if not match:
        raise refusal(
            f"snapshot window {text!r} is not of the form hh:mm-hh:mm",
            "ElastiCache takes 24-hour UTC times",
            'Write for example "02:00-03:00"',
        )
    from_hour, from_minute, to_hour, to_minute = map(int, match.groups())
    start, end = from_hour * 60 + from_minute, to_hour * 60 + to_minute
    return _long_enough(Window(text, start, (end - start) % DAY, DAY), "snapshot")


def maintenance_window(text: str) -> Window:
    """Parse ``ddd:hh:mm-ddd:hh:mm`` UTC; ValueError names what ElastiCache refuses."""
    match = _WEEKLY.fullmatch(text)
    if not match:
        raise refusal(
            f"maintenance window {text!r} is not of the form ddd:hh:mm-ddd:hh:mm",
            f"ElastiCache takes 24-hour UTC times on the days {', '.join(DAYS)}",
            'Write for example "sun:03:00-sun:05:00"',
        )
    from_day, from_hour, from_minute, to_day, to_hour, to_minute = match.groups()
    start = DAYS.index(from_day) * DAY + int(from_hour) * 60 + int(from_minute)
    end = DAYS.index(to_day) * DAY + int(to_hour) * 60 + int(to_minute)
    window = _long_enough(Window(text, start, (end - start) % WEEK, WEEK), "maintenance")
    if window.minutes > LONGEST_MAINTENANCE:
        raise refusal(
            f"maintenance window {text!r} is {window.minutes} minutes long",
            "A window over 24 hours (1440 minutes) is most often one that ends before it starts",
            "Write the end after the start, within 24 hours",
        )
    return window


def _long_enough(window: Window, kind: str) -> Window:
    if window.minutes < SHORTEST:
        raise refusal(
            f"{kind} window {window.text!r} is {window.minutes} minutes long",
            f"ElastiCache refuses a {kind} window of less than {SHORTEST} minutes",
            f"Write an end at least {SHORTEST} minutes after the start",
        )
    return window
