"""What a rehearsal recorded of CloudWatch: the dashboard's own metrics, and the alarms' states."""

from dataclasses import asdict, dataclass, replace
from typing import Any

from aws_rules.metric_math import Series

FILE = "build/report/recording-{}.json"


@dataclass(frozen=True, slots=True)
class Metric:
    """One series; ``dimensions`` are sorted pairs, ``period`` is in seconds.

    The dimensions are part of a metric's identity: it is not the one under another set of them.
    """

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]
    statistic: str
    period: int

    def __str__(self) -> str:
        """As it reads in a complaint."""
        of = ", ".join(f"{name}={value}" for name, value in self.dimensions)
        return f"{self.statistic} of {self.namespace} {self.name} of {of or 'no dimension'}"


@dataclass(frozen=True, slots=True)
class Act:
    """What happened from minute ``start`` to minute ``end`` of the recording."""

    start: int
    end: int
    words: str


@dataclass(frozen=True, slots=True)
class Recording:
    """``began`` is in seconds since the epoch; ``clock`` says in words how fast CloudWatch's ran.

    ``states`` holds the alarms' last states by name, ``spoke`` the minute of the first ALARM.
    """

    recorded: str
    commit: str
    clock: str
    began: int
    minutes: int
    acts: list[Act]
    states: dict[str, str]
    spoke: dict[str, int]
    series: dict[Metric, Series]


def document(recording: Recording) -> dict[str, Any]:
    """The recording as JSON takes it."""
    series = [
        {**asdict(metric), "dimensions": dict(metric.dimensions), "points": sorted(points.items())}
        for metric, points in recording.series.items()
    ]
    return {**asdict(replace(recording, series={})), "series": series}


def parsed(document: dict[str, Any]) -> Recording:
    """What `document` made."""
    series = {
        Metric(
            *(one["namespace"], one["name"], tuple(sorted(one["dimensions"].items()))),
            *(one["statistic"], one["period"]),
        ): {int(at): value for at, value in one["points"]}
        for one in document["series"]
    }
    acts = [Act(**act) for act in document["acts"]]
    return Recording(**{**document, "acts": acts, "series": series})
