"""What the weekly review looks at: the figures of the alarms, as the template hands them over."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from reviews.series import Asked, Series, of_node

PERIOD = 300  # seconds; such figures are kept for 63 days
_MINUTES = PERIOD / 60

Combined = Literal["highest", "lowest", "total", "share"]


@dataclass(frozen=True)
class Measure:
    """One figure over the whole group, in ``unit`` after ``factor``.

    ``metrics`` are of AWS/ElastiCache and of every node, or of ``namespace`` and ``dimension`` (its
    name and value). A "share" is the percentage of the first metric in both, where these are
    ``least`` or more a minute. Totals are a minute.
    """

    name: str
    title: str
    unit: str
    metrics: tuple[str, ...]
    statistic: str
    combined: Combined
    beyond: Literal["above", "below"] = "above"
    warning: float | None = None
    factor: float = 1.0
    least: float = 0.0
    namespace: str = ""
    dimension: tuple[str, str] = ("", "")

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> "Measure":
        """From the template's JSON. Raises TypeError if it does not fit."""
        known = {**document, "metrics": tuple(document["metrics"])}
        if "dimension" in known:
            known["dimension"] = tuple(known["dimension"])
        return cls(**known)

    def asked(self, nodes: Sequence[str]) -> Iterator[Asked]:
        """The series of CloudWatch that it is made of, metric by metric."""
        for metric in self.metrics:
            if self.namespace:
                yield Asked(self.namespace, metric, (self.dimension,), self.statistic)
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
    values: dict[datetime, list[float]] = {}
    for one in series:
        for at, value in one.items():
            values.setdefault(at, []).append(value)
    return {at: how(several) for at, several in values.items()}


def _a_minute(values: Sequence[float]) -> float:
    return sum(values) / _MINUTES


_HOW: Mapping[str, Callable[[Sequence[float]], float]] = {
    "highest": max,
    "lowest": min,
    "total": _a_minute,
}


def _share(
    part: Mapping[datetime, float], rest: Mapping[datetime, float], least: float
) -> dict[datetime, float]:
    found = {}
    for at in part.keys() | rest.keys():
        of, more = part.get(at, 0.0), rest.get(at, 0.0)
        if of + more >= max(least * _MINUTES, 1.0):
            found[at] = 100 * of / (of + more)
    return found
