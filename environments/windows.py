"""The daily snapshot window and the weekly maintenance window, as minutes of a week.

Source: ElastiCache API reference, CreateReplicationGroup, SnapshotWindow and
PreferredMaintenanceWindow (both UTC); a window has 60 minutes or more.
"""

import re
from dataclasses import dataclass

from environments.section import Refusal

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY = 24 * 60
WEEK = 7 * DAY
SHORTEST = 60
LONGEST_MAINTENANCE = 24 * 60

_CLOCK = "([01][0-9]|2[0-3]):([0-5][0-9])"
_MOMENT = rf"(?:({'|'.join(DAYS)}):)?{_CLOCK}"


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
    why = "ElastiCache takes 24-hour UTC times"
    return _window("snapshot", text, DAY, "hh:mm-hh:mm", why, "02:00-03:00")


def maintenance_window(text: str) -> Window:
    """Parse ``ddd:hh:mm-ddd:hh:mm`` UTC; ValueError names what ElastiCache refuses."""
    why = f"ElastiCache takes 24-hour UTC times on the days {', '.join(DAYS)}"
    form, example = "ddd:hh:mm-ddd:hh:mm", "sun:03:00-sun:05:00"
    return _window("maintenance", text, WEEK, form, why, example)


def _window(kind: str, text: str, period: int, form: str, why: str, example: str) -> Window:
    match = re.fullmatch(f"{_MOMENT}-{_MOMENT}", text)
    days = {match[1] is not None, match[4] is not None} if match else set()
    if not match or days != {period == WEEK}:
        raise Refusal(
            f"{kind} window {text!r} is not of the form {form}. {why}. Write for example "
            f'"{example}".'
        )
    start, end = (
        DAYS.index(day or DAYS[0]) * DAY + int(hour) * 60 + int(minute)
        for day, hour, minute in (match.group(1, 2, 3), match.group(4, 5, 6))
    )
    window = Window(text, start, (end - start) % period, period)
    if window.minutes < SHORTEST:
        raise Refusal(
            f"{kind} window {text!r} is {window.minutes} minutes long. ElastiCache refuses a "
            f"{kind} window of less than {SHORTEST} minutes. Write an end at least {SHORTEST} "
            "minutes after the start."
        )
    if kind == "maintenance" and window.minutes > LONGEST_MAINTENANCE:
        raise Refusal(
            f"{kind} window {text!r} is {window.minutes} minutes long. A window over 24 hours "
            "(1440 minutes) is most often one that ends before it starts. Write the end after the "
            "start, within 24 hours."
        )
    return window
