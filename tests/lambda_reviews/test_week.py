"""A week of metrics comes down to what a person must see."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reviews.metrics import findings as metrics
from reviews.metrics.findings import ALARM, NO_DATA, OK, AlarmWeek, Review, findings, remarks
from reviews.metrics.measures import PERIOD, Compared, Measure, compared, week
from reviews.series import Series
from tests.lambda_reviews.world import CloudWatch, changed, created

pytestmark = pytest.mark.plan("7.2")

START = datetime(2026, 11, 16, tzinfo=UTC)
END = START + timedelta(days=7)
HOUR = timedelta(hours=1)
NODES = ("g-001", "g-002")


def measure(name: str = "memory", **changes: Any) -> Measure:
    return Measure(**{"name": name, "metrics": ("M",), "warning": 75.0, **changes})


def figures(of: Measure, *series: Series) -> list[float]:
    found = dict(zip(of.asked(NODES), series, strict=True))
    return [value for _, value in sorted(of.figures(NODES, found).items())]


LATER = START + HOUR
MEGABYTE = 1e6
COUNTED = measure(metrics=("In", "Out"), combined="total", statistic="Sum")
SPEED = measure("network-in", combined="speed", statistic="Sum", factor=8 / 1e6)
RATE = measure("hit-rate", metrics=("H", "X"), combined="share", least=100, beyond="below")


@pytest.mark.parametrize(
    ("of", "series", "found"),
    [
        # A silent node is not zero.
        (measure(), [{START: 1.0, LATER: 5.0}, {START: 3.0}], [3.0, 5.0]),
        (measure(combined="lowest"), [{START: 1.0, LATER: 5.0}, {START: 3.0}], [1.0, 5.0]),
        # Per minute over all nodes and metrics, and the fastest node's in megabits.
        (COUNTED, [{START: 5.0}, {START: 10.0}, {START: 15.0}, {}], [6.0]),
        (SPEED, [{START: 300 * MEGABYTE}, {START: 600 * MEGABYTE}], [16.0]),
        # Of the reads of all nodes, where there are enough per minute.
        (RATE, [{START: 400.0}, {}, {START: 100.0}, {}], [80.0]),
        (RATE, [{START: 300.0}, {}, {START: 100.0}, {}], []),
        (RATE, [{}, {}, {START: 400.0}, {START: 400.0}], [0.0]),
    ],
)
def test_a_measure_combines_the_series_of_all_nodes(
    of: Measure, series: list[Series], found: list[float]
) -> None:
    assert figures(of, *series) == found


def test_nineteen_of_twenty_leave_out_a_peak_on_the_bad_side() -> None:
    values = [float(number) for number in range(101)]
    found = week(measure(), values)
    assert found is not None
    assert (found.often, found.worst, found.mean, found.beyond) == (95.0, 100.0, 50.0, 25 / 101)
    low = week(measure(beyond="below", warning=5.0), values)
    assert low is not None
    assert low.often == pytest.approx(5.0)
    assert (low.worst, low.mean, low.beyond) == (0.0, 50.0, 5 / 101)


def test_this_week_begins_at_its_first_midnight() -> None:
    found = compared(measure(), {START - HOUR: 1.0, START: 2.0, START + HOUR: 4.0}, START)
    assert found.now is not None
    assert found.before is not None
    assert (found.now.mean, found.before.mean) == (3.0, 1.0)


def test_the_total_of_a_week_is_what_was_counted() -> None:
    of_a_period = 12.0
    found = week(COUNTED, figures(COUNTED, {START: of_a_period, END: of_a_period}, {}, {}, {}))
    assert found is not None
    assert (found.total, PERIOD) == (2 * of_a_period, 300)


def alarm(state: str = OK) -> dict[str, Any]:
    return {"AlarmName": "p-memory-warning", "StateValue": state}


MADE = START + timedelta(days=3)
SEVERAL = [
    changed(START + 1 * HOUR, OK, ALARM),
    changed(START + 3 * HOUR, ALARM, OK),
    changed(START + 10 * HOUR, OK, NO_DATA),
    changed(START + 15 * HOUR, NO_DATA, ALARM),
    changed(START + 16 * HOUR, ALARM, OK),
]


@pytest.mark.parametrize(
    ("state", "history", "fired", "on", "no_data"),
    [
        (OK, SEVERAL, 2, 3 * HOUR, 5 * HOUR),
        (ALARM, [], 0, 7 * 24 * HOUR, 0 * HOUR),
        (OK, [changed(START + 2 * HOUR, ALARM, OK)], 0, 2 * HOUR, 0 * HOUR),
        # Before an alarm was made, and before the first deployment, it did not lack data.
        (OK, [created(MADE), changed(MADE + HOUR, NO_DATA, OK)], 0, 0 * HOUR, HOUR),
        (NO_DATA, [created(END + HOUR)], 0, 0 * HOUR, 0 * HOUR),
    ],
)
def test_how_often_an_alarm_fired_and_how_long_it_was_on_or_without_data(
    state: str, history: list[dict[str, Any]], fired: int, on: timedelta, no_data: timedelta
) -> None:
    expected = AlarmWeek("p-memory-warning", fired, on, no_data, state)
    assert metrics.alarm_week(alarm(state), history, START, END) == expected


def test_what_came_after_the_week_counts_next_time_but_is_seen() -> None:
    found = metrics.alarm_week(alarm(ALARM), [changed(END + HOUR, OK, ALARM)], START, END)
    assert (found.fired, found.on, found.still_on) == (0, timedelta(), True)
    assert list(findings(review(weeks=[found]))) == ["*memory-warning* is on now."]


def test_every_alarm_of_the_environment_is_asked_for_page_by_page() -> None:
    cloudwatch = CloudWatch()
    cloudwatch.alarms = [{"AlarmName": name, "StateValue": OK} for name in ("p-a", "p-b", "other")]
    cloudwatch.history["p-b"] = [
        changed(START - HOUR, OK, ALARM),
        changed(START + HOUR, ALARM, OK),
        changed(START + 2 * HOUR, OK, ALARM),
        changed(START + 3 * HOUR, ALARM, OK),
    ]
    first, second = metrics.alarms(cloudwatch, "p-", START, END, END + 8 * HOUR)
    assert (first.name, first.fired, second.name) == ("p-a", 0, "p-b")
    assert (second.fired, second.on) == (1, 2 * HOUR)


def review(measures: list[Compared] | None = None, weeks: list[AlarmWeek] | None = None) -> Review:
    return Review("g", "p-", START, END, measures or [], weeks or [quiet("p-swap-warning")])


def quiet(name: str) -> AlarmWeek:
    return AlarmWeek(name, 0, timedelta(), timedelta(), OK)


def steady(value: float, of: Measure | None = None) -> Compared:
    of = of or measure()
    return Compared(of, week(of, [value] * 100), week(of, [value / 2] * 100))


def test_a_quiet_week_has_no_findings_and_says_what_is_closest_to_its_line() -> None:
    quiet_week = review([steady(60.0), steady(450.0, measure("connections", warning=1000.0))])
    assert list(findings(quiet_week)) == []
    assert list(remarks(quiet_week)) == [
        "None of 1 alarms fired.",
        "Closest to its line: Memory, 60 % (warning above 75 %, last week 30 %).",
    ]


def test_what_matters_comes_first() -> None:
    weeks = [
        AlarmWeek("p-swap-warning", 2, HOUR, timedelta(), OK),
        AlarmWeek("p-lag-warning", 0, timedelta(), 5 * HOUR, NO_DATA),
        AlarmWeek("p-memory-critical", 1, HOUR / 2, timedelta(), ALARM),
    ]
    no_data = Compared(measure("engine-cpu"), None, None)
    busy = steady(80.0, measure("host-cpu", warning=45.0))
    assert list(findings(review([busy, no_data], weeks))) == [
        "*memory-critical* fired once, 30 min in all, and is still on.",
        "*swap-warning* fired twice, 1 h in all.",
        "*lag-warning* had no data for 5 h.",
        "*Engine CPU* has no data in CloudWatch this week.",
        "*Host CPU* was above 45 % for 100 % of the week.",
    ]


def test_a_deployment_of_today_has_no_findings_and_nodes_that_fell_silent_have() -> None:
    nothing = [Compared(measure(), None, None), Compared(measure("swap"), None, None)]
    assert list(findings(review(nothing))) == []
    assert list(remarks(review(nothing))) == [
        "There is no week to look at yet: no node sent anything before today."
    ]
    on = [AlarmWeek("p-not-reporting-critical", 0, timedelta(days=7), timedelta(), ALARM)]
    assert list(findings(review(nothing, on))) == [
        "*not-reporting-critical* has been on for 7 d and still is.",
        "*Memory, Swap* have no data in CloudWatch this week.",
    ]


def test_a_measure_whose_alarm_is_told_of_is_not_told_twice() -> None:
    weeks = [AlarmWeek("p-memory-warning", 1, HOUR, timedelta(), ALARM)]
    assert len(list(findings(review([steady(80.0)], weeks)))) == 1


def test_silence_is_no_finding_where_nothing_need_be_sent() -> None:
    rate = measure("hit-rate", metrics=("H", "X"), combined="share", beyond="below")
    events = measure("serious-event", place=("N", "D", "g"), warning=0.0)
    nothing = [Compared(rate, None, None), Compared(events, None, None)]
    assert list(findings(review(nothing))) == []


def test_no_credits_left_is_as_close_to_the_line_as_can_be() -> None:
    left = measure("cpu-credits", combined="lowest", beyond="below", warning=115.0)
    closest = list(remarks(review([steady(74.0), steady(0.0, left)])))[-1]
    assert closest.startswith("Closest to its line: CPU credits, 0 (warning below 115")


@pytest.mark.parametrize(
    ("time", "words"),
    [
        (timedelta(seconds=20), "under a minute"),
        (timedelta(minutes=50), "50 min"),
        (timedelta(hours=4, minutes=10), "4 h 10 min"),
        (timedelta(days=2), "2 d"),
        (timedelta(days=2, hours=3, minutes=30), "2 d 3 h"),
    ],
)
def test_times_are_said_as_a_person_says_them(time: timedelta, words: str) -> None:
    assert metrics.length(time) == words
