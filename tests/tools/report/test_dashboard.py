"""The dashboard is drawn as its body says, with what was recorded and with nothing else."""

import json
import re
from itertools import pairwise

import pytest

from aws_rules.dashboard import Widget, widgets
from aws_rules.recording import Act, Metric, Recording, document, parsed
from drawing.chart import Axis, labels, short
from tests.tools.report.conftest import BEGAN, MINUTES, body
from tools.assembly import Document, Stack
from tools.report.plot import drawn, parts

NODE = ["AWS/ElastiCache", "CurrConnections", "CacheClusterId", "a", "CacheNodeId", "0001"]
SERIES = Metric(
    "AWS/ElastiCache",
    "CurrConnections",
    (("CacheClusterId", "a"), ("CacheNodeId", "0001")),
    "Maximum",
    60,
)


def recorded(points: dict[int, float], minutes: int = MINUTES) -> Recording:
    """One series, by the minute."""
    series = {BEGAN + 60 * minute: value for minute, value in points.items()}
    return Recording("", "", "", BEGAN, minutes, [], {}, {}, {SERIES: series})


def graph(metrics: list[object], recording: Recording | None, **properties: object) -> Widget:
    """The one widget of a dashboard, a minute's period and an axis from 0."""
    defaults = {"title": "t", "period": 60, "metrics": metrics, "yAxis": {"left": {"min": 0}}}
    widget = {"type": "metric", "width": 12, "height": 6, "properties": defaults | properties}
    (found,) = widgets(json.dumps({"widgets": [widget]}), recording)
    assert found.kind == "graph"
    return found


def across(*values: float) -> Document:
    marks = [{"label": f"at {value}", "value": value, "color": "#d62728"} for value in values]
    return {"horizontal": marks}


def test_each_widget_of_the_body_is_drawn_at_its_place(monitoring: Stack) -> None:
    dashboard = body(monitoring)
    drawn = widgets(json.dumps(dashboard), None)
    assert [(one.place.x, one.place.y, one.place.width) for one in drawn] == [
        (one["x"], one["y"], one["width"]) for one in dashboard["widgets"]
    ]
    assert [one.title for one in drawn if one.kind == "graph"] == [
        one["properties"]["title"] for one in dashboard["widgets"][1:]
    ]


def test_every_line_and_every_threshold_of_the_body_is_drawn(
    monitoring: Stack, recorded: str
) -> None:
    graphs = [one["properties"] for one in body(monitoring)["widgets"] if one["type"] == "metric"]
    lines = sum(len(one["metrics"]) for one in graphs)
    marks = [mark for one in graphs for mark in one["annotations"]["horizontal"]]
    assert recorded.count('<path class="series') == lines
    assert recorded.count('<path class="threshold"') == len(marks)
    for mark in marks:
        assert f"{mark['label']} {short(mark['value'])}</span>" in recorded


def test_where_nothing_was_recorded_no_line_is_drawn_and_the_page_says_why(plain: str) -> None:
    assert 'class="series' not in plain
    assert plain.count('<path class="threshold"') > 10
    assert "No rehearsal has recorded metrics of production here yet" in plain
    assert "REHEARSE=1" in plain
    assert "ALARM in minute" not in plain


def test_a_line_without_points_in_the_recording_says_so() -> None:
    found = graph([[*NODE, {"stat": "Minimum", "label": "other"}]], recorded({0: 1.0}))
    assert found.lines[0].points == []
    assert "other: no data" in drawn(found, recorded({0: 1.0}))


def test_a_line_goes_through_its_values() -> None:
    recording = recorded({0: 0.0, 5: 10.0, 9: 5.0}, minutes=10)
    found = graph([[*NODE, {"stat": "Maximum"}]], recording, annotations=across(10))
    html = drawn(found, recording)
    # The axis goes to 12, since a threshold of 10 keeps clear of the edge.
    assert re.findall(r'class="y"[^>]*>(\d+)<', html) == ["0", "3", "6", "9", "12"]
    (path,) = re.findall(r'class="series c1" d="([^"]+)"', html)
    assert re.findall(r"[\d.]+ [\d.]+", path) == ["0.00 100.00", "50.00 16.67", "90.00 58.33"]


def test_metric_math_is_computed_from_what_was_recorded() -> None:
    recording = recorded({0: 2.0, 1: 4.0})
    metrics: list[object] = [
        [*NODE, {"stat": "Maximum", "id": "m1", "visible": False}],
        [{"expression": "100*m1/(m1+2)", "label": "share"}],
    ]
    (line,) = graph(metrics, recording).lines
    assert line.label == "share"
    assert [value for _, value in line.points] == [50.0, pytest.approx(66.667, abs=0.001)]


def test_another_statistic_or_period_is_another_series() -> None:
    recording = recorded({0: 1.0})
    for options in ({"stat": "Average"}, {"stat": "Maximum", "period": 300}):
        assert graph([[*NODE, options]], recording).lines[0].points == []


def test_cloudwatchs_shorthand_is_refused_and_not_misread() -> None:
    with pytest.raises(ValueError, match="write the metric out"):
        graph([[*NODE, {}], [".", "Evictions", ".", "a", ".", "0001"]], None)


def test_labels_of_close_thresholds_do_not_cover_each_other() -> None:
    marks = parts(graph([], None, annotations=across(98, 99, 100)), None)
    found = list(labels(marks, Axis(0, 150)))
    places = [at for _, at in found]
    assert [one.value for one, _ in found] == [98, 99, 100]
    assert places[0] == pytest.approx(98 / 1.5)
    assert all(later - at >= 12 for at, later in pairwise(places))


def test_a_widget_that_is_not_drawn_says_which_it_is() -> None:
    for kind, properties in (("text", {"markdown": "x"}), ("metric", {"view": "gauge"})):
        widget = {"type": kind, "width": 6, "height": 6, "properties": properties}
        (found,) = widgets(json.dumps({"widgets": [widget]}), None)
        assert found.kind == kind


def test_alarms_are_shown_in_their_order_and_with_their_last_state(
    monitoring: Stack, recorded: str
) -> None:
    (states,) = (w for w in widgets(json.dumps(body(monitoring)), None) if w.kind == "states")
    assert states.alarms == [
        arn.rsplit(":", 1)[1] for arn in body(monitoring)["widgets"][0]["properties"]["alarms"]
    ]
    shown = [
        " ".join(re.sub(r"<[^>]+>", "", item).split())
        for item in re.findall(
            r'<li class="(?:spoke|ok|insufficient-data|)">(.*?)</li>', recorded, re.DOTALL
        )
    ]
    assert "memory-warning ALARM in minute 6, OK at the end" in shown
    assert "swap-warning INSUFFICIENT DATA" in shown
    assert "hit-rate-warning not recorded" in shown


def test_acts_are_numbered_bands_except_what_goes_on_all_the_time(recorded: str) -> None:
    (graph_, *_) = re.findall(r'<div class="plot">.*?</div>', recorded, re.DOTALL)
    assert re.findall(r'class="above middle"[^>]*>(\d)', graph_) == ["2", "3"]
    assert graph_.count('class="stripe"') == 2
    assert "a &lt;load&gt;, minutes 2 to 4" in recorded
    assert "at once, in minute 5" in recorded


def test_a_recording_is_read_as_it_was_written(recording: Recording) -> None:
    assert parsed(json.loads(json.dumps(document(recording)))) == recording
    assert recording.acts[1] == Act(2, 4, "a <load>")
