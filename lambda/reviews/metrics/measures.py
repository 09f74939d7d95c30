"""What the weekly review looks at: the figures of the alarms, as the template hands them over."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from reviews.metrics.names import shown
from reviews.series import Asked, Series, of_node
from shared.emf import DIMENSION, NAMESPACE

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
        known["metrics"] = tuple(known["metrics"])
        if "place" in known:
            namespace, dimension, value = known["place"]
            known["place"] = (namespace, dimension, value)
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
    values: dict[datetime, list[float]] = {}
    for one in series:
        for at, value in one.items():
            values.setdefault(at, []).append(value)
    return {at: how(several) for at, several in values.items()}


_HOW: Mapping[str, Callable[[Sequence[float]], float]] = {
    "highest": max,
    "lowest": min,
    "total": lambda values: sum(values) / _MINUTES,
    "speed": lambda values: max(values) / PERIOD,
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
