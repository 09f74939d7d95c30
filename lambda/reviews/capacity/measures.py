"""What the capacity report looks at, and how an hour of CloudWatch becomes a figure of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from reviews.series import Series

HOUR = 3600  # seconds; hours are kept for 455 days
_MEGABITS_A_SECOND = 8 / 1e6 / HOUR  # of bytes in an hour


@dataclass(frozen=True)
class Measure:
    """One metric of AWS/ElastiCache, of the node where it is highest.

    ``statistic`` is of an hour, ``factor`` leads to ``unit``, ``peak`` says what a day's peak is.
    """

    name: str
    title: str
    unit: str
    metric: str
    statistic: str
    peak: str
    factor: float = 1.0


_HOUR = "the day's busiest hour"
_MOMENT = "the day's highest minute"
# Processors and network lend for minutes what an hour must earn, so they are judged by the hour.
MEASURES = (
    Measure("memory", "Memory", "%", "DatabaseMemoryUsagePercentage", "Maximum", _MOMENT),
    Measure("engine-cpu", "Engine CPU", "%", "EngineCPUUtilization", "Average", _HOUR),
    Measure("host-cpu", "Host CPU", "%", "CPUUtilization", "Average", _HOUR),
    Measure("connections", "Connections", "", "CurrConnections", "Maximum", _MOMENT),
    Measure(
        "network-in", "Network in", "Mbit/s", "NetworkBytesIn", "Sum", _HOUR, _MEGABITS_A_SECOND
    ),
    Measure(
        "network-out", "Network out", "Mbit/s", "NetworkBytesOut", "Sum", _HOUR, _MEGABITS_A_SECOND
    ),
)


@dataclass(frozen=True)
class Line:
    """Where a measure's warning is, in its unit, and what to do when it gets there."""

    warning: float
    critical: float | None
    then: str


def lines(document: Mapping[str, Any]) -> dict[str, Line]:
    """The template's JSON by the measure's name. Raises TypeError if it does not fit."""
    return {name: Line(**line) for name, line in document.items()}


def daily_peaks(measure: Measure, hours: Iterable[Series]) -> dict[date, float]:
    """The highest hour of each day in UTC, on whichever node it was."""
    peaks: dict[date, float] = {}
    for series in hours:
        for moment, value in series.items():
            day, figure = moment.date(), value * measure.factor
            peaks[day] = max(figure, peaks.get(day, figure))
    return peaks


def measured(known: Sequence[Measure], handed: Mapping[str, Line]) -> list[tuple[Measure, Line]]:
    """The measures that have a line. Raises KeyError for a line that no measure knows."""
    strange = handed.keys() - {one.name for one in known}
    if strange:
        raise KeyError(f"nothing is measured for {', '.join(sorted(strange))}")
    return [(one, handed[one.name]) for one in known if one.name in handed]
