"""Where the level changed at once: another node type, a release. A trend across it says nothing."""

from collections.abc import Mapping
from datetime import date
from statistics import median

WEEK = 7  # every kind of day is on both sides
FEWEST_DAYS = 4 * WEEK
_DEVIATIONS = 6.0  # of the usual difference between two weeks, which 90 days of noise do not reach
_SHARE_OF_LINE = 0.1  # a smaller step changes no decision
_TO_SIGMA = 1.4826  # from the median absolute deviation, for a normal distribution


def last_step(peaks: Mapping[date, float], line: float) -> date | None:
    """The first day of the newest level, or None where the level never changed at once.

    Compares the median of the week from a day on with that of the week before it. ``line`` is the
    metric's warning line.
    """
    days = sorted(peaks)
    if len(days) < FEWEST_DAYS:
        return None
    values = [peaks[day] for day in days]
    places = range(WEEK, len(days) - WEEK + 1)
    jumps = [median(values[at : at + WEEK]) - median(values[at - WEEK : at]) for at in places]
    usual = median(jumps)  # what a steady trend adds in a week
    spread = _TO_SIGMA * median(abs(jump - usual) for jump in jumps)
    enough = max(_DEVIATIONS * spread, _SHARE_OF_LINE * line)
    sizes = [abs(jump - usual) for jump in jumps]
    found = [number for number, size in enumerate(sizes) if size > enough]
    if not found:
        return None
    near = [number for number in found if number > found[-1] - WEEK]
    around = [places[number] for number in near]
    return days[max(around, key=lambda at: abs(values[at] - values[at - 1]))]
