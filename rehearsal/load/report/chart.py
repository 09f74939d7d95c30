"""One line chart as SVG, drawn in the page's own colours."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

Points = Sequence[tuple[float, float]]  # seconds, value

_WIDTH, _HEIGHT = 420.0, 190.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 40.0, 14.0, 18.0, 22.0
_TICKS = 4
_TIMES = (1, 2, 5, 10, 15, 30, 60, 300)  # seconds between two figures below


@dataclass(frozen=True)
class Line:
    """`colour` is the number of one of the page's colours; a line may have steps."""

    name: str
    colour: int
    points: Points
    steps: bool = False


@dataclass(frozen=True)
class Mark:
    """A time, from when to when; `side` is where its text stands, "end" for before it."""

    at: float
    end: float
    text: str
    side: str = "start"


@dataclass(frozen=True)
class Chart:
    """`limit` is drawn as a line across; with `log` the values go up in powers of ten."""

    title: str
    unit: str
    lines: Sequence[Line]
    limit: float | None = None
    limit_name: str = ""
    log: bool = False


def svg(chart: Chart, end: float, marks: Sequence[Mark]) -> str:
    """The chart from 0 to `end` seconds."""
    scale = _scale(chart)
    parts = [
        f'<svg viewBox="0 0 {_WIDTH:g} {_HEIGHT:g}" role="img" aria-label="{escape(chart.title)}">',
        *_marks(marks, end),
        *_grid(scale, end),
    ]
    if chart.limit is not None:
        y = scale.y(chart.limit)
        parts.append(f'<path class="limit" d="M{_LEFT:g} {y:.1f}H{_WIDTH - _RIGHT:g}"/>')
    parts += [
        f'<path class="line c{line.colour}" d="{_path(line, scale, end)}"/>'
        for line in chart.lines
        if line.points
    ]
    return "".join([*parts, "</svg>"])


@dataclass(frozen=True)
class _Scale:
    low: float
    high: float
    ticks: Sequence[float]
    log: bool

    def y(self, value: float) -> float:
        if self.log:
            low, high, value = (
                math.log10(max(one, self.low)) for one in (self.low, self.high, value)
            )
        else:
            low, high = self.low, self.high
        share = min(1.0, max(0.0, (value - low) / (high - low)))
        return _HEIGHT - _BOTTOM - share * (_HEIGHT - _BOTTOM - _TOP)


def _scale(chart: Chart) -> _Scale:
    values = [value for line in chart.lines for _, value in line.points]
    # What keeps to a limit would else run along the chart's edge.
    highest = max([*values, 1.08 * (chart.limit or 0.0), 1e-9])
    if chart.log:
        lowest = min((value for value in values if value > 0), default=1.0)
        low, high = math.floor(math.log10(lowest)), math.ceil(math.log10(highest))
        high = max(high, low + 1)
        return _Scale(10.0**low, 10.0**high, [10.0**n for n in range(low, high + 1)], log=True)
    step = _step(highest / _TICKS)
    many = math.ceil(highest / step - 1e-9)
    return _Scale(0.0, many * step, [step * n for n in range(many + 1)], log=False)


def _step(rough: float) -> float:
    """The next round number: 1, 2 or 5 and noughts."""
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * n for n in (1, 2, 5, 10) if power * n >= rough - 1e-9 * power)


def _x(seconds: float, end: float) -> float:
    return _LEFT + min(1.0, max(0.0, seconds / end)) * (_WIDTH - _LEFT - _RIGHT)


def _grid(scale: _Scale, end: float) -> Iterator[str]:
    bottom = _HEIGHT - _BOTTOM
    for value in scale.ticks:
        y = scale.y(value)
        yield f'<path class="grid" d="M{_LEFT:g} {y:.1f}H{_WIDTH - _RIGHT:g}"/>'
        yield f'<text class="y" x="{_LEFT - 5:g}" y="{y + 4:.1f}">{_number(value)}</text>'
    step = next((one for one in _TIMES if end / one < 7), _TIMES[-1])
    for number in range(int(end / step) + 1):
        x = _x(number * step, end)
        yield f'<text class="x" x="{x:.1f}" y="{bottom + 16:g}">{number * step:g}</text>'
    yield f'<text class="s" x="{_WIDTH - _RIGHT:g}" y="{bottom - 5:g}">s</text>'


def _marks(marks: Sequence[Mark], end: float) -> Iterator[str]:
    height = _HEIGHT - _BOTTOM - _TOP
    for mark in marks:
        x, width = _x(mark.at, end), max(1.5, _x(mark.end, end) - _x(mark.at, end))
        yield (
            f'<rect class="mark" x="{x:.1f}" y="{_TOP:g}" width="{width:.1f}" height="{height:g}"/>'
            f'<text class="event" x="{x:.1f}" y="{_TOP - 6:g}" text-anchor="{mark.side}">'
            f"{escape(mark.text)}</text>"
        )


def _path(line: Line, scale: _Scale, end: float) -> str:
    found, before = [], None
    for seconds, value in line.points:
        x, y = f"{_x(seconds, end):.1f}", f"{scale.y(value):.1f}"
        if before is None:
            found.append(f"M{x} {y}")
        elif line.steps:
            found.append(f"H{x}V{y}" if y != before else "")
        else:
            found.append(f"L{x} {y}")
        before = y
    if line.steps and line.points:
        found.append(f"H{_x(line.points[-1][0], end):.1f}")
    return "".join(found)


def _number(value: float) -> str:
    if value >= 1000:
        return f"{value / 1000:g}k"
    return f"{value:.3g}"
