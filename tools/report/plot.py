"""A graph's geometry, in percent of the plot, so that text keeps its size on any screen."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from tools.report.recording import Recording
from tools.report.widgets import Graph, Line, Threshold

TICKS = 4  # about so many lines across
ROOM = 1.08  # what keeps to a threshold would else run along the edge
APART = 13.0  # percent of the plot's height that two labels need
MINUTE = 60  # seconds
NARROW = 0.4  # minutes
_SPANS = (1, 2, 5, 10, 15, 30, 60, 120, 240)  # minutes between two figures below
_PREFIXES = ((1e9, "G"), (1e6, "M"), (1e3, "k"))

Height = Callable[[float], float]  # percent from below


@dataclass(frozen=True, slots=True)
class Tick:
    """A figure beside the axis, ``at`` percent from below or from the left."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Band:
    """An act of the recording by its number, in percent from the left."""

    number: int
    left: float
    width: float


@dataclass(frozen=True, slots=True)
class Label:
    """A threshold's line at ``at`` percent, its words at ``words_at``, clear of others'."""

    threshold: Threshold
    at: float
    words_at: float
    text: str


@dataclass(frozen=True, slots=True)
class Plot:
    """``paths`` are SVG path data in a box of 100 by 100, "" for a line without points."""

    paths: list[str]
    values: list[Tick]
    times: list[Tick]
    labels: list[Label]
    bands: list[Band]


def plot(graph: Graph, recording: Recording | None) -> Plot:
    """Where everything stands on the plot."""
    low, high, step = _axis(graph)

    def y(value: float) -> float:
        return 100 * (min(max(value, low), high) - low) / (high - low)

    many = round((high - low) / step)
    values = [low + step * number for number in range(many + 1)]
    return Plot(
        paths=[_path(line, recording, y) for line in graph.lines] if recording else [],
        values=[Tick(y(value), short(value)) for value in values],
        times=list(_times(recording.minutes)) if recording else [],
        labels=list(_labels(graph.thresholds, y)),
        bands=list(_bands(recording)) if recording else [],
    )


def short(value: float) -> str:
    """A figure in few characters: 1.5k, 52.4M."""
    for size, prefix in _PREFIXES:
        if abs(value) >= size:
            return f"{value / size:.3g}{prefix}"
    return f"{value:.3g}"


def _axis(graph: Graph) -> tuple[float, float, float]:
    points = [value for line in graph.lines for _, value in line.points]
    low = graph.floor if graph.floor is not None else min([*points, 0.0])
    marks = [ROOM * threshold.value for threshold in graph.thresholds]
    highest = max([*points, *marks, low])
    if highest <= low:
        highest = low + 1
    step = _round_up((highest - low) / TICKS)
    return low, low + step * math.ceil((highest - low) / step - 1e-9), step


def _round_up(rough: float) -> float:
    """The next of 1, 2 and 5 with noughts."""
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * digit for digit in (1, 2, 5, 10) if power * digit >= rough * (1 - 1e-9))


def _times(minutes: int) -> Iterator[Tick]:
    span = next((one for one in _SPANS if minutes / one <= 6), _SPANS[-1])
    for minute in range(0, minutes + 1, span):
        yield Tick(100 * minute / minutes, f"{minute} min" if minute == 0 else str(minute))


def _bands(recording: Recording) -> Iterator[Band]:
    """What goes on all the time is no band; what is over at once is a narrow one."""
    share = 100 / recording.minutes
    for number, act in enumerate(recording.acts, start=1):
        if act.end - act.start < recording.minutes:
            yield Band(number, act.start * share, max(act.end - act.start, NARROW) * share)


def _path(line: Line, recording: Recording, y: Height) -> str:
    """Neighbours are joined and a gap stays a gap; a point that stands alone is a dot."""
    moments = [at for at, _ in line.points]
    apart = min((later - at for at, later in pairwise(moments)), default=0)
    parts: list[str] = []
    before: int | None = None
    for at, value in line.points:
        x = 100 * (at - recording.began) / (MINUTE * recording.minutes)
        joined = before is not None and at - before == apart
        parts.append(
            f"{'L' if joined else 'M'}{x:.2f} {100 - y(value):.2f}{'' if joined else 'h0'}"
        )
        before = at
    return "".join(parts)


def _labels(thresholds: Sequence[Threshold], y: Height) -> Iterator[Label]:
    free = 0.0
    for threshold in sorted(thresholds, key=lambda one: one.value):
        at = y(threshold.value)
        words_at = max(at, free)
        free = words_at + APART
        yield Label(threshold, at, words_at, f"{threshold.label} {short(threshold.value)}")
