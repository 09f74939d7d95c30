"""What the weekly review looks at: the figures of the alarms, as the template hands them over."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import fmean
from typing import Any, Literal

from reviews.capacity.forecast import quantile
from reviews.series import Asked, Series, of_node
from shared.emf import DIMENSION, NAMESPACE

NAMES = {
    "cpu-credits": ("CPU credits", ""),
    "engine-cpu": ("Engine CPU", "%"),
    "event-errors": ("Events not passed on", ""),
    "events-unread": ("Events unread", ""),
    "evictions": ("Evictions", "keys"),
    "health-failed": ("Health checks failed", ""),
    "health-login": ("Health logins failed", ""),
    "hit-rate": ("Hit rate", "%"),
    "host-cpu": ("Host CPU", "%"),
    "memory": ("Memory", "%"),
    "network-allowance": ("Packets over allowance", ""),
    "network-in": ("Network in", "Mbit/s"),
    "network-out": ("Network out", "Mbit/s"),
    "old-token": ("Old token not retired", "hours"),
    "replication-lag": ("Replication lag", "ms"),
    "rotation-unfinished": ("Rotation unfinished", "hours"),
    "serious-event": ("Serious events", ""),
    "swap": ("Swap", "MiB"),
    "token-age": ("Token age", "days"),
}


def shown(name: str) -> tuple[str, str]:
    """Title and unit; a figure without a name here has its alarm's."""
    return NAMES.get(name, (name.replace("-", " ").capitalize(), ""))


PERIOD = 300  # seconds; such figures are kept for 63 days
_MINUTES = PERIOD / 60

Combined = Literal["highest", "lowest", "total", "speed", "share"]


@dataclass(frozen=True, kw_only=True)
class Measure:
    """One figure over the whole group, ``factor`` times the metric's; ``warning`` is that figure's.

    ``metrics`` are of AWS/ElastiCache and every node, or of the one ``place``: namespace, name and
    value of its dimension. A "total" is a minute's over all nodes, a "speed" a second's of the
    fastest. A "share" is the percentage of the first metric in both, where they are ``least`` or
    more a minute.
    """

    name: str
    metrics: tuple[str, ...]
    statistic: str = "Maximum"
    combined: Combined = "highest"
    beyond: Literal["above", "below"] = "above"
    warning: float | None = None
    factor: float = 1.0
    least: float = 0.0
    place: tuple[str, str, str] | None = None

    @classmethod
    def read(cls, document: Mapping[str, Any], group_id: str) -> "Measure":
        """From the template's JSON. Raises KeyError or TypeError if it does not fit."""
        known = dict(document)
        if published := known.pop("published", None):
            known |= {"metrics": [published], "place": (NAMESPACE, DIMENSION, group_id)}
        for name in known.keys() & {"metrics", "place"}:
            known[name] = tuple(known[name])
        return cls(**known)

    @property
    def title(self) -> str:
        """What people call it."""
        return shown(self.name)[0]

    @property
    def unit(self) -> str:
        """Its unit."""
        return shown(self.name)[1]

    @property
    def of_nodes(self) -> bool:
        """Whether the nodes send it, and not what works on them."""
        return self.place is None

    def asked(self, nodes: Sequence[str]) -> Iterator[Asked]:
        """The series of CloudWatch that it is made of, metric by metric."""
        for metric in self.metrics:
            if self.place:
                namespace, dimension, value = self.place
                yield Asked(namespace, metric, ((dimension, value),), self.statistic)
            else:
                yield from (of_node(metric, node, self.statistic) for node in nodes)

    def figures(self, nodes: Sequence[str], found: Mapping[Asked, Series]) -> dict[datetime, float]:
        """The figure of each period in which any of its series has one."""
        series = [found[one] for one in self.asked(nodes)]
        if self.combined == "share":
            half = len(series) // 2
            return _share(_each(series[:half], sum), _each(series[half:], sum), self.least)
        each = _each(series, _HOW[self.combined])
        return {at: value * self.factor for at, value in each.items()}


def _each(
    series: Sequence[Series], how: Callable[[Sequence[float]], float]
) -> dict[datetime, float]:
    times = {at for one in series for at in one}
    return {at: how([one[at] for one in series if at in one]) for at in times}


_HOW: Mapping[str, Callable[[Sequence[float]], float]] = {
    "highest": max,
    "lowest": min,
    "total": lambda values: sum(values) / _MINUTES,
    "speed": lambda values: max(values) / PERIOD,
}


def _share(
    part: Mapping[datetime, float], rest: Mapping[datetime, float], least: float
) -> dict[datetime, float]:
    both = {at: part.get(at, 0.0) + rest.get(at, 0.0) for at in part.keys() | rest.keys()}
    enough = max(least * _MINUTES, 1.0)
    return {at: 100 * part.get(at, 0.0) / all_ for at, all_ in both.items() if all_ >= enough}


_OFTEN = 0.95  # nineteen of twenty periods are better


@dataclass(frozen=True)
class Week:
    """``often`` is what nineteen of twenty periods stay within, ``worst`` the worst of them.

    ``beyond`` is the share of the periods beyond the warning line, ``total`` their sum where they
    are counts a minute.
    """

    mean: float
    often: float
    worst: float
    beyond: float
    total: float


def week(measure: Measure, figures: Sequence[float]) -> Week | None:
    """Of figures of one week; None where there are none."""
    if not figures:
        return None
    low = measure.beyond == "below"
    return Week(
        mean=fmean(figures),
        often=quantile(figures, 1 - _OFTEN if low else _OFTEN),
        worst=min(figures) if low else max(figures),
        beyond=sum(is_beyond(measure, one) for one in figures) / len(figures),
        total=sum(figures) * PERIOD / 60,
    )


@dataclass(frozen=True)
class Compared:
    """A measure this week and last week."""

    measure: Measure
    now: Week | None
    before: Week | None

    @property
    def silent(self) -> bool:
        """Whether CloudWatch has none of what nodes always send.

        A share has no figures without traffic, and our own functions' have an alarm.
        """
        sent = self.measure.of_nodes and self.measure.combined != "share"
        return sent and self.now is None

    @property
    def often_beyond(self) -> bool:
        """Whether it was beyond its line for more than one period in twenty."""
        return self.now is not None and is_beyond(self.measure, self.now.often)

    @property
    def nearness(self) -> float:
        """How much of the way to its line the worst moment went: 1 is there, 0 has no line.

        Of the nodes' figures alone: those of our functions rise to their lines by design, as the
        token's age does.
        """
        line, low = self.measure.warning, self.measure.beyond == "below"
        if not self.measure.of_nodes or self.now is None or not line:
            return 0.0
        worst = self.now.worst
        if not low:
            return worst / line
        return line / worst if worst > 0 else math.inf


def is_beyond(measure: Measure, value: float) -> bool:
    """Whether a value is beyond the measure's warning line, should it have one."""
    if measure.warning is None:
        return False
    return value < measure.warning if measure.beyond == "below" else value > measure.warning


def compared(measure: Measure, figures: Mapping[datetime, float], now_from: datetime) -> Compared:
    """The figures from ``now_from`` beside those before it."""
    now = [value for at, value in figures.items() if at >= now_from]
    before = [value for at, value in figures.items() if at < now_from]
    return Compared(measure, week(measure, now), week(measure, before))
