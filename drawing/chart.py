"""Charts as HTML: lines in an SVG that stretches, and texts over it that keep their size.

Colours and strokes are those of page.css, light or dark as the reader's screen.
"""

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape
from typing import Literal, Self

Points = Sequence[tuple[float, float]]
Anchor = Literal["start", "middle", "end"]

_TICKS = 4  # about so many lines across
_ROUND = (1, 2, 2.5, 3, 4, 5, 10)
_SPANS = (1, 2, 5, 10, 15, 30, 60, 120, 240, 300, 600)  # between two figures of a time axis
_MOST_TIMES, _MOST_MONTHS = 6, 7
_MONTHS = (1, 2, 3, 6)
_APART = 13.0  # percent of the plot's height that two labels need
_PREFIXES = ((1e9, "G"), (1e6, "M"), (1e3, "k"))


def short(value: float) -> str:
    """A figure in few characters: 1.5k, 52.4M."""
    size, prefix = next((one for one in _PREFIXES if abs(value) >= one[0]), (1, ""))
    return f"{value / size:.3g}{prefix}"


@dataclass(frozen=True)
class Axis:
    """From ``low`` to ``high``, with the values that are named and their names."""

    low: float
    high: float
    ticks: Sequence[tuple[float, str]] = ()

    @classmethod
    def of_values(cls, highest: float, low: float = 0.0) -> Self:
        """Round steps from ``low`` to ``highest`` or a little above."""
        highest = max(highest, low + 1e-9)
        rough = (highest - low) / _TICKS
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(power * digit for digit in _ROUND if power * digit >= rough * (1 - 1e-9))
        many = max(1, math.ceil((highest - low) / step - 1e-9))
        values = [low + step * number for number in range(many + 1)]
        return cls(low, values[-1], [(value, short(value)) for value in values])

    @classmethod
    def of_time(cls, end: float, unit: str) -> Self:
        """From 0 to ``end``; the unit is written at 0."""
        span = next((one for one in _SPANS if end / one <= _MOST_TIMES), _SPANS[-1])
        times = range(0, int(end) + 1, span)
        return cls(0.0, end, [(at, str(at) if at else f"0 {unit}") for at in times])

    @classmethod
    def of_dates(cls, first: date, last: date) -> Self:
        """Days by their ordinal; the first days of months are named, not more than fit."""
        months = list(_months(first, last))
        step = next((one for one in _MONTHS if len(months) / one <= _MOST_MONTHS), 12)
        ticks = [
            (day.toordinal(), f"{day:%b %Y}" if day.month == 1 else f"{day:%b}")
            for day in months[::step]
        ]
        return cls(first.toordinal(), max(last.toordinal(), first.toordinal() + 1), ticks)

    def at(self, value: float) -> float:
        """Where a value is, in percent; what lies outside is put on the edge."""
        return min(100.0, max(0.0, self.beyond(value)))

    def beyond(self, value: float) -> float:
        """Where a value would be, outside too."""
        return 100 * (value - self.low) / (self.high - self.low)


def _months(first: date, last: date) -> Iterator[date]:
    months = range(12 * first.year + first.month - 1, 12 * last.year + last.month)
    days = (date(month // 12, month % 12 + 1, 1) for month in months)
    yield from (day for day in days if day >= first)


class Part(ABC):
    """What lies on a plot: a shape in a box of 100 by 100, and words over it."""

    @abstractmethod
    def shape(self, _x: Axis, _y: Axis) -> str:
        """Each part has its own."""

    def text(self, _x: Axis, _y: Axis) -> str:
        """Nothing where the chart's key names it, or the plot places its words."""
        return ""


@dataclass(frozen=True)
class Line(Part):
    """Through points that are not more than ``apart`` from each other; one alone is a dot.

    ``kind`` is its class in the style sheet.
    """

    kind: str
    points: Points
    apart: float = math.inf

    def shape(self, x: Axis, y: Axis) -> str:
        """The path; nothing without points."""
        parts: list[str] = []
        before = -math.inf
        for at, value in self.points:
            starts = not parts or at - before > self.apart
            parts.append(f"{'M' if starts else 'L'}{x.at(at):.2f} {100 - y.at(value):.2f}")
            before = at
        path = re.sub(r"(M[\d. ]+)(?=M|$)", r"\1h0", "".join(parts))
        return f'<path class="{self.kind}" d="{path}"/>' if path else ""


@dataclass(frozen=True)
class Band(Part):
    """The area between two lines."""

    kind: str
    upper: Points
    lower: Points

    def shape(self, x: Axis, y: Axis) -> str:
        """The area, along the edge where it would leave the plot."""
        edge = [*self.upper, *reversed(self.lower)]
        points = " ".join(f"{x.at(at):.2f},{100 - y.at(value):.2f}" for at, value in edge)
        return f'<polygon class="{self.kind}" points="{points}"/>'


@dataclass(frozen=True)
class Stripe(Part):
    """A time, from when to when, or one moment; its text is above the plot."""

    kind: str
    start: float
    end: float
    words: str
    anchor: Anchor = "middle"

    def shape(self, x: Axis, _y: Axis) -> str:
        """A stripe as high as the plot, a moment as a line."""
        left, width = x.at(self.start), x.at(self.end) - x.at(self.start)
        if self.end <= self.start:
            return f'<path class="{self.kind}" d="M{left:.2f} 0V100"/>'
        width = max(width, 0.4)
        return f'<rect class="{self.kind}" x="{left:.2f}" y="0" width="{width:.2f}" height="100"/>'

    def text(self, x: Axis, _y: Axis) -> str:
        """Over the stripe's middle, or beside its beginning."""
        left = x.at((self.start + self.end) / 2 if self.anchor == "middle" else self.start)
        return _span(f"above {self.anchor}", f"left:{left:.2f}%", self.words)


@dataclass(frozen=True)
class Across(Part):
    """A value's line; ``colour`` is one of CSS, where it is not the style sheet's."""

    kind: str
    value: float
    words: str = ""
    colour: str = ""
    side: Literal["left", "right"] = "right"

    @property
    def mark(self) -> str:
        """The colour as a property of the style sheet's for its words."""
        return self.colour and f";--mark:{self.colour}"

    def shape(self, _x: Axis, y: Axis) -> str:
        """From one edge to the other."""
        stroke = self.colour and f"stroke:{self.colour}"
        return f'<path{_attributes(self.kind, stroke)} d="M0 {100 - y.at(self.value):.2f}H100"/>'


@dataclass(frozen=True)
class Crossing(Part):
    """A point on a line, with a drop to the axis and its words there."""

    kind: str
    at: float
    value: float
    words: str
    anchor: Anchor = "start"

    def shape(self, x: Axis, y: Axis) -> str:
        """A ring: two round ends of lines that have no length, so that nothing stretches it."""
        across, up = f"{x.at(self.at):.2f}", f"{100 - y.at(self.value):.2f}"
        ring = f'd="M{across} {up}h0"'
        return (
            f'<path class="drop" d="M{across} {up}V100"/><path class="{self.kind}" {ring}/>'
            f'<path class="{self.kind} hole" {ring}/>'
        )

    def text(self, x: Axis, _y: Axis) -> str:
        """Beside the drop."""
        return _span(f"date {self.anchor}", f"left:{x.at(self.at):.2f}%", self.words)


def svg(label: str, x: Axis, y: Axis, parts: Iterable[Part], kind: str = "") -> str:
    """The lines alone, in a box of 100 by 100 that stretches; ``label`` is for who cannot see."""
    shapes = [f'<path class="grid" d="M0 {100 - y.at(value):.2f}H100"/>' for value, _ in y.ticks]
    shapes += [part.shape(x, y) for part in parts]
    box = 'viewBox="0 0 100 100" preserveAspectRatio="none" role="img"'
    head = f'<svg{_attributes(kind)} {box} aria-label="{escape(label)}">'
    return f"{head}{''.join(shapes)}</svg>"


def plot(label: str, x: Axis, y: Axis, parts: Sequence[Part]) -> str:
    """The lines with all texts: both axes' figures, names of lines across, what each part says."""
    texts = [
        *(_span("y", f"bottom:{y.at(value):.2f}%", words) for value, words in y.ticks),
        *(_span("x", f"left:{x.at(value):.2f}%", words) for value, words in x.ticks),
        *(part.text(x, y) for part in parts),
        *(
            _span(f"label {one.side} {one.kind}", f"bottom:{at:.2f}%{one.mark}", one.words)
            for one, at in labels(parts, y)
        ),
    ]
    return f'<div class="plot">{svg(label, x, y, parts)}{"".join(texts)}</div>'


def labels(parts: Iterable[Part], y: Axis) -> Iterator[tuple[Across, float]]:
    """The lines across that have words, and at which percent these stand clear of each other."""
    free = 0.0
    named = [part for part in parts if isinstance(part, Across) and part.words]
    for one in sorted(named, key=lambda one: one.value):
        at = max(y.at(one.value), free)
        free = at + _APART
        yield one, at


def key(names: Iterable[tuple[str, str]]) -> str:
    """What each line is: its class, and its words."""
    return f'<div class="key">{"".join(_span(kind, "", words) for kind, words in names)}</div>'


def figure(title: str, unit: str, parts: Iterable[str]) -> str:
    """A chart with its heading; ``parts`` are HTML."""
    caption = f"<b>{escape(title)}</b> <small>{escape(unit)}</small>"
    return f"<figure><figcaption>{caption}</figcaption>{''.join(parts)}</figure>"


def _span(kind: str, style: str, words: str) -> str:
    return f"<span{_attributes(kind, style)}>{escape(words)}</span>"


def _attributes(kind: str, style: str = "") -> str:
    given = (("class", kind), ("style", style))
    return "".join(f' {name}="{escape(value)}"' for name, value in given if value)
