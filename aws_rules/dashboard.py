"""The widgets of a dashboard's body, as CloudWatch reads them.

Source: CloudWatch API reference, "Dashboard body structure and syntax".
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from aws_rules.metric_math import MetricMath, Series
from aws_rules.recording import Metric, Recording

Document = dict[str, Any]
_DEFAULTS = {"period": 300}  # seconds


@dataclass(frozen=True, slots=True)
class Place:
    """In units of the grid, which has 24 columns."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Line:
    """A series by its label; ``points`` are seconds since the epoch and values."""

    label: str
    points: list[tuple[int, float]]


@dataclass(frozen=True, slots=True)
class Threshold:
    """A line across; ``colour`` is the body's own."""

    label: str
    value: float
    colour: str


@dataclass(frozen=True, slots=True)
class Widget:
    """A graph has lines, a widget of states has alarms; any other is not drawn by the report.

    ``kind`` is "graph", "states" or the body's own word for the type.
    """

    place: Place
    kind: str
    title: str
    unit: str = ""
    floor: float | None = None
    lines: Sequence[Line] = ()
    thresholds: Sequence[Threshold] = ()
    alarms: Sequence[str] = ()


def widgets(body: str, recording: Recording | None) -> list[Widget]:
    """Each widget from top to bottom; lines have points where the recording has them."""
    found = [_widget(one, recording) for one in json.loads(body)["widgets"]]
    return sorted(found, key=lambda widget: (widget.place.y, widget.place.x))


def metrics_of(widget: Document) -> list[Metric]:
    """The CloudWatch requests of a widget of the body.

    Raises ValueError for CloudWatch's shorthand of '.' and '...'.
    """
    properties = widget["properties"]
    return [
        _metric(row, options, properties)
        for row, options in _rows(properties)
        if "expression" not in options
    ]


def _widget(widget: Document, recording: Recording | None) -> Widget:
    place = Place(widget.get("x", 0), widget.get("y", 0), widget["width"], widget["height"])
    properties = widget["properties"]
    title = properties.get("title", "")
    match widget["type"]:
        case "alarm":
            names = [arn.rsplit(":", 1)[-1] for arn in properties["alarms"]]
            return Widget(place, "states", title, alarms=names)
        case "metric" if properties.get("view", "timeSeries") == "timeSeries":
            axis = properties.get("yAxis", {}).get("left", {})
            across = properties.get("annotations", {}).get("horizontal", [])
            return Widget(
                *(place, "graph", title, axis.get("label", ""), axis.get("min")),
                list(_lines(properties, recording)),
                [
                    Threshold(one.get("label", ""), one["value"], one.get("color", ""))
                    for one in across
                ],
            )
        case kind:
            return Widget(place, kind, title)


def _lines(properties: Document, recording: Recording | None) -> Iterator[Line]:
    series: dict[str, Series] = {}
    expressions: dict[str, str] = {}
    shown: dict[str, str] = {}
    for number, (row, options) in enumerate(_rows(properties)):
        name = options.get("id", f"row{number}")
        if "expression" in options:
            expressions[name] = options["expression"]
        else:
            metric = _metric(row, options, properties)
            series[name] = recording.series.get(metric, {}) if recording else {}
        if options.get("visible", True):
            shown[name] = options.get("label") or options.get("expression") or row[1]
    times = sorted({at for one in series.values() for at in one})
    math = MetricMath(series, expressions, times)
    for name, label in shown.items():
        yield Line(label, sorted(math.series(name).items()) if times else [])


def _rows(properties: Document) -> Iterator[tuple[list[str], Document]]:
    for row in properties.get("metrics", []):
        yield row, row[-1] if isinstance(row[-1], dict) else {}


def _metric(row: list[str], options: Document, properties: Document) -> Metric:
    words = [word for word in row if isinstance(word, str)]
    if not {".", "..."}.isdisjoint(words):
        raise ValueError(f"write the metric out, '.' and '...' are not read here: {row}")
    namespace, name, *rest = words
    dimensions = tuple(sorted(zip(rest[::2], rest[1::2], strict=True)))
    period: int = (_DEFAULTS | properties | options)["period"]
    return Metric(namespace, name, dimensions, options.get("stat", "Average"), period)
