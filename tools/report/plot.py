"""A graph of the dashboard, with what a rehearsal recorded."""

from collections.abc import Iterator
from itertools import pairwise

from markupsafe import Markup

from aws_rules.dashboard import Line as Recorded
from aws_rules.dashboard import Widget
from aws_rules.recording import Recording
from drawing.chart import Across, Axis, Line, Part, Points, Stripe, key, plot, short
from tools.command import counted

ROOM = 1.08  # what keeps to a threshold would else run along the edge
MINUTE = 60  # seconds
COLOURS = 6  # of page.css


def drawn(graph: Widget, recording: Recording | None) -> Markup:
    """Plot and key as HTML."""
    words = (
        f"{graph.title}: {counted(len(graph.lines), 'line')}, "
        f"{counted(len(graph.thresholds), 'threshold')}"
    )
    x = Axis.of_time(recording.minutes, "min") if recording else Axis(0, 1)
    names = [
        (_colour(number), f"{line.label}{': no data' if recording and not line.points else ''}")
        for number, line in enumerate(graph.lines)
    ]
    html = plot(words, x, _values(graph), list(parts(graph, recording))) + key(names)
    return Markup(html)  # noqa: S704 - drawn by us, every text in it escaped


def parts(graph: Widget, recording: Recording | None) -> Iterator[Part]:
    """The recording's acts, except what goes on all the time, its lines, and the thresholds."""
    if recording:
        for number, act in enumerate(recording.acts, start=1):
            if act.end - act.start < recording.minutes:
                end = max(act.end, act.start + 0.4)  # what is over at once is a narrow one
                yield Stripe("stripe", act.start, end, str(number))
        for number, line in enumerate(graph.lines):
            yield Line(f"series {_colour(number)}", *_points(line, recording))
    for mark in graph.thresholds:
        yield Across("threshold", mark.value, f"{mark.label} {short(mark.value)}", mark.colour)


def _colour(number: int) -> str:
    return f"c{number % COLOURS + 1}"


def _values(graph: Widget) -> Axis:
    points = [value for line in graph.lines for _, value in line.points]
    low = graph.floor if graph.floor is not None else min([*points, 0.0])
    highest = max([*points, *(ROOM * mark.value for mark in graph.thresholds), low])
    return Axis.of_values(highest if highest > low else low + 1, low)


def _points(line: Recorded, recording: Recording) -> tuple[Points, float]:
    """In minutes, and how far neighbours are from each other."""
    points = [((at - recording.began) / MINUTE, value) for at, value in line.points]
    apart = min((later - at for (at, _), (later, _) in pairwise(points)), default=0.0)
    return points, 1.01 * apart
