"""The capacity report says what its figures say, in words, in a chart and in the channel."""

import re
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from typing import Any
from xml.etree import ElementTree

import pytest

from drawing.chart import Axis
from reviews.capacity.forecast import (
    MEASURES,
    Forecast,
    Line,
    daily_peaks,
    measured,
    outlook,
    verdict,
)
from reviews.capacity.handler import forecasts
from reviews.capacity.pages import chart, report
from tests.lambda_reviews.world import CloudWatch, elasticache, hours

pytestmark = pytest.mark.plan("7.2")

TODAY = date(2026, 12, 1)
NOW = datetime(2026, 12, 1, 8, 30, tzinfo=UTC)
MEMORY = next(one for one in MEASURES if one.name == "memory")
LINE = Line(75.0, 90.0, "Scale up.")


def forecast(values: list[float], line: Line = LINE, measure: Any = MEMORY) -> Forecast:
    first = TODAY - timedelta(days=len(values))
    peaks = {first + timedelta(days=number): value for number, value in enumerate(values)}
    return Forecast(measure, line, peaks, outlook(peaks, line.warning), TODAY)


RISING = [50 + 0.25 * number for number in range(90)]  # 75 on the hundredth day


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (RISING, "crosses 75 % about 11 December 2026"),
        ([80.0] * 30, "is above its warning line of 75 % since 1 November 2026"),
        ([30.0] * 30, "stays below 75 % until 29 January 2027 at least"),
        ([30.0] * 5, "not enough data: 5 days, and 14 are needed"),
        (
            [60.0] * 40 + [20.0] * 9,
            "not enough data since the level changed on 22 November 2026: "
            "9 days, and 14 are needed",
        ),
        ([], "has no data in CloudWatch"),
    ],
    ids=["rising", "above", "flat", "new", "scaled", "blind"],
)
def test_each_outlook_has_its_sentence(values: list[float], words: str) -> None:
    assert verdict(forecast(values)) == words


LATER = [50 + 0.1 * number for number in range(90)]


def test_the_page_has_a_chart_for_each_measure_and_says_what_to_do() -> None:
    page = report("g", [forecast(RISING), forecast([30.0] * 5)], TODAY).page
    assert page.count("<svg") == 2
    assert "Memory crosses 75 % about 11 December 2026." in page
    assert "To do: Scale up." in page


@pytest.mark.parametrize(
    ("forecasts", "title", "lines"),
    [
        (
            [RISING, LATER, [30.0] * 5],
            "1 needs you",
            [
                "*Memory* crosses 75 % about 11 December 2026. Scale up.",
                "Memory crosses 75 % about 10 May 2027.",
                "Not enough data yet: memory.",
            ],
        ),
        (
            [[80.0] * 90],
            "1 needs you",
            ["*Memory* is above its warning line of 75 % since 2 September 2026. Scale up."],
        ),
        (
            [[40.0] + [30.0] * 89],
            "no action needed",
            ["Below their lines, with no date to plan for: memory 30 of 75 %."],
        ),
        (
            [[], []],
            "no action needed",
            ["There is nothing to look at yet: no node sent anything before today."],
        ),
        (
            [[], [30.0] * 90],
            "1 needs you",
            [
                "*Memory* has no data in CloudWatch.",
                "Below their lines, with no date to plan for: memory 30 of 75 %.",
            ],
        ),
    ],
    ids=["rising", "above", "quiet", "deployed today", "fell silent"],
)
def test_only_what_needs_somebody_is_counted(
    forecasts: list[list[float]], title: str, lines: list[str]
) -> None:
    made = report("g", [forecast(values) for values in forecasts], TODAY)
    assert made.title == f"capacity, November 2026: {title}"
    assert made.lines == lines
    quiet = "Nothing reaches a warning line within 60 days" in made.page
    assert made.findings == int(title[0] == "1") == int(not quiet)


def test_a_date_that_noise_moves_is_told_with_its_range() -> None:
    found = forecast([value + (-1) ** number for number, value in enumerate(RISING)])
    earliest, latest = found.outlook.earliest, found.outlook.latest
    assert earliest is not None
    assert latest is not None
    assert earliest < latest
    days = [f"{day.day} {day:%B %Y}" for day in (earliest, latest)]
    assert verdict(found).endswith(f" (earliest {days[0]}, latest {days[1]})")


def elements(drawn: str) -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = {}
    for element in ElementTree.fromstring(drawn).iter():  # noqa: S314 - what we drew ourselves
        found.setdefault(element.get("class", ""), []).append(dict(element.attrib))
    return found


def numbers(text: str) -> list[float]:
    return [float(one) for one in re.findall(r"-?\d+\.?\d*", text)]


def test_the_chart_marks_the_crossing_where_trend_and_line_meet() -> None:
    found = elements(chart(forecast(RISING)))
    (cross,) = found["cross"]
    x, y, _ = numbers(cross["d"])
    (warning,) = (one for one in found["warning"] if "d" in one)
    (ahead,) = found["trend dashed"]
    assert y == numbers(warning["d"])[1]
    x0, y0, x1, y1 = numbers(ahead["d"])
    assert x0 < x < x1
    assert y0 + (y1 - y0) * (x - x0) / (x1 - x0) == pytest.approx(y, abs=0.5)
    # The crossing is eleven days after the last peak; a percent is more than half a day.
    (band,) = found["range"]
    days_drawn = len(band["points"].split()) / 2 - 1
    assert x - x0 == pytest.approx(11 * (x1 - x0) / days_drawn, abs=1)


@pytest.mark.parametrize(
    "values",
    [
        RISING,
        [40 + 0.9 * number for number in range(60)],
        [99.0] * 30,
        [30.0] * 5,
        [1.0],
        [0.0] * 20,
        [30.0] * 45 + [60.0] * 45,
        [],
    ],
    ids=["rising", "steep", "above", "new", "one day", "nothing", "step", "blind"],
)
def test_nothing_is_drawn_outside_of_the_chart(values: list[float]) -> None:
    drawn = chart(forecast(values))
    if not values:
        assert drawn == ""
        return
    found = elements(drawn)
    assert {"peaks", "dots"} <= found.keys()
    for kind in ("peaks", "trend", "trend dashed", "range"):
        for one in found.get(kind, []):
            points = numbers(one.get("d") or one["points"])
            assert all(0 <= at <= 100 for at in points), kind


def test_a_day_that_is_missing_is_a_gap_in_the_line() -> None:
    whole = forecast([30.0] * 20)
    peaks = {day: peak for day, peak in whole.peaks.items() if day.day not in (15, 16)}
    holed = Forecast(MEMORY, LINE, peaks, outlook(peaks, 75.0), TODAY)
    assert elements(chart(whole))["peaks"][0]["d"].count("M") == 1
    assert elements(chart(holed))["peaks"][0]["d"].count("M") == 2


def test_a_critical_line_far_above_does_not_flatten_the_rest() -> None:
    assert "critical" in elements(chart(forecast(RISING)))
    far = forecast(RISING, Line(75.0, 500.0, "…"))
    assert "critical" not in elements(chart(far))
    assert "critical is 500 %, far above" in report("g", [far], TODAY).page


def test_months_are_named_and_a_new_year_says_which() -> None:
    axis = Axis.of_dates(date(2026, 11, 15), date(2027, 3, 2))
    assert [text for _, text in axis.ticks] == ["Dec", "Jan 2027", "Feb", "Mar"]
    assert axis.at(date(2026, 11, 15).toordinal()) == 0
    assert axis.at(date(2027, 3, 2).toordinal()) == 100


@pytest.mark.parametrize(
    ("highest", "last"), [(75, 80), (108, 120), (1000, 1000), (0, 1e-9), (0.07, 0.08)]
)
def test_values_are_named_in_round_figures_that_reach_the_highest(
    highest: float, last: float
) -> None:
    ticks = [value for value, _ in Axis.of_values(highest).ticks]
    assert ticks[0] == 0
    assert ticks[-1] == pytest.approx(last)
    assert 3 <= len(ticks) <= 6


def test_a_days_peak_is_the_highest_of_all_nodes_hours_in_utc() -> None:
    evening = datetime(2026, 11, 30, 23, tzinfo=UTC)
    after = evening + timedelta(hours=1)
    one = {evening - timedelta(hours=9): 40.0, evening: 10.0, after: 20.0}
    other = {evening: 30.0}
    assert daily_peaks(MEMORY, [one, other]) == {evening.date(): 40.0, after.date(): 20.0}


def test_a_line_for_something_that_is_not_measured_is_refused() -> None:
    with pytest.raises(KeyError, match="nothing is measured for colour"):
        measured({"colour": asdict(LINE)})


def test_ninety_whole_days_are_read_from_hours_and_a_failover_changes_nothing() -> None:
    cloudwatch = CloudWatch(page=500)
    midnight = datetime(2026, 12, 1, tzinfo=UTC)
    start = midnight - timedelta(days=90)
    turn = midnight - timedelta(days=30)  # from then on the other node is the busier one
    for at in hours(start - timedelta(days=5), NOW):
        level = 50 + 0.25 * ((at - start) / timedelta(days=1) // 1)
        for node, busy in (("g-001", at < turn), ("g-002", at >= turn)):
            series = cloudwatch.series.setdefault(("DatabaseMemoryUsagePercentage", node), {})
            series[at] = level if busy else level / 2
    # The day that is not over is worse than all: it must not count as a whole one.
    cloudwatch.series["DatabaseMemoryUsagePercentage", "g-002"][midnight] = 5.0
    (found,) = forecasts(cloudwatch, elasticache("g-002"), "g", [(MEMORY, LINE)], NOW)
    assert len(found.peaks) == 90
    assert found.outlook.on == date(2026, 12, 11)
    assert {asked["Period"] for asked in cloudwatch.asked} == {3600}, "kept for 455 days"
