"""A line lies where its values are, and stays a line whatever it is drawn from."""

import re

import pytest

from drawing.chart import Axis, Line, plot, short


def points(line: Line, x: Axis, y: Axis) -> list[tuple[float, float]]:
    found = re.findall(r"([\d.]+) ([\d.]+)", line.shape(x, y))
    return [(float(across), float(down)) for across, down in found]


def test_a_gap_stays_a_gap_and_a_lonely_point_is_a_dot() -> None:
    line = Line("a", [(0, 1), (1, 1), (5, 1)], apart=1)
    shape = line.shape(Axis(0, 10), Axis(0, 2))
    assert re.sub(r"[\d.]+ [\d.]+", "", shape) == '<path class="a" d="MLMh0"/>'


def test_a_line_lies_where_its_values_are_and_along_the_edge_outside_of_the_plot() -> None:
    line = Line("a", [(-5, -5), (5, 2.5), (20, 20)])
    assert points(line, Axis(0, 10), Axis(0, 10)) == [(0, 100), (50, 75), (100, 0)]


def test_words_are_written_as_text() -> None:
    assert "<b>" not in plot("<b>", Axis(0, 1, [(0, "<b>")]), Axis(0, 1), [Line("<b>", [])])


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (0.5, "0.5"), (1500, "1.5k"), (52428800, "52.4M"), (3e9, "3G")]
)
def test_figures_beside_an_axis_are_short(value: float, text: str) -> None:
    assert short(value) == text
