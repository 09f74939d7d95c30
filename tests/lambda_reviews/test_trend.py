"""The trend is held to series whose truth is known."""

import math
import random
from datetime import date, timedelta

import pytest

from reviews.capacity.forecast import Kind, Outlook, fit, last_step, outlook, quantile

pytestmark = pytest.mark.plan("7.2")

START = date(2026, 8, 27)
LINE = 75.0


def days(values: list[float], start: date = START) -> dict[date, float]:
    return {start + timedelta(days=number): value for number, value in enumerate(values)}


def ramp(many: int, level: float, slope: float, noise: float, seed: int = 1) -> list[float]:
    rng = random.Random(seed)  # noqa: S311 - noise, not a secret
    return [level + slope * number + rng.gauss(0, noise) for number in range(many)]


def true_crossing(level: float, slope: float, start: date = START) -> date:
    return start + timedelta(days=math.ceil((LINE - level) / slope - 1e-9))


def test_a_line_without_noise_crosses_on_its_very_day_also_where_days_are_missing() -> None:
    whole = days([50 + 0.2 * number for number in range(90)])
    for peaks in (whole, {day: peak for day, peak in whole.items() if day.toordinal() % 3}):
        found = outlook(peaks, LINE)
        assert found.kind is Kind.CROSSES
        assert found.on == found.earliest == found.latest == true_crossing(50, 0.2)
    mostly_holes = {day: peak for day, peak in whole.items() if not day.toordinal() % 4}
    assert outlook(mostly_holes, LINE).kind is Kind.TOO_LITTLE


@pytest.mark.parametrize("seed", range(20))
def test_noise_moves_the_date_by_days_and_the_truth_is_in_the_range(seed: int) -> None:
    found = outlook(days(ramp(90, 50, 0.2, 1.0, seed)), LINE)
    truth = true_crossing(50, 0.2)
    assert found.kind is Kind.CROSSES
    assert found.on
    assert found.earliest
    assert found.latest
    assert abs((found.on - truth).days) <= 10
    assert found.earliest <= truth
    assert found.earliest <= found.on <= found.latest


def test_odd_days_do_not_move_the_trend_as_they_move_a_mean() -> None:
    values = ramp(90, 40, 0.2, 0.5)
    for odd in (80, 83, 86, 88, 89):
        values[odd] += 40  # a load test at the end of the time
    found = fit(days(values))
    assert found.slope == pytest.approx(0.2, abs=0.03)  # least squares finds 0.5


@pytest.mark.parametrize("seed", range(20))
def test_a_flat_metric_far_below_its_line_is_clear(seed: int) -> None:
    found = outlook(days(ramp(90, 30, 0.0, 2.0, seed)), LINE)
    assert found.kind is Kind.CLEAR
    assert found.on is None


def test_noise_alone_is_seldom_taken_for_a_rise() -> None:
    """On 200 flat series the range must exclude 0 upwards in about one of twenty."""
    rose = sum(fit(days(ramp(60, 30, 0.0, 2.0, seed))).lowest > 0 for seed in range(200))
    assert rose <= 20


def alike(many: int, slope: float, seed: int) -> list[float]:
    """Each day resembles the day before (0.6), and weekends are quieter."""
    rng = random.Random(seed)  # noqa: S311 - noise, not a secret
    values, now = [], 0.0
    for number in range(many):
        now = 0.6 * now + rng.gauss(0, 1)
        weekend = -4.0 if number % 7 in (5, 6) else 0.0
        values.append(30 + slope * number + now + weekend)
    return values


def test_the_range_holds_the_true_slope_also_where_days_resemble_each_other() -> None:
    within = 0
    for seed in range(200):
        found = fit(days(alike(90, 0.1, seed)))
        within += found.lowest <= 0.1 <= found.highest
    assert within >= 170  # 90 % is promised


@pytest.mark.parametrize("seed", range(20))
def test_the_range_is_wide_only_where_days_resemble_each_other(seed: int) -> None:
    """A range that is too wide holds every slope, and never reports a rise."""
    found, resembling = fit(days(ramp(90, 50, 0.2, 1.0, seed))), fit(days(alike(90, 0.1, seed)))
    assert found.highest - found.lowest < 0.03 < resembling.highest - resembling.lowest


def test_a_date_is_given_only_where_the_range_has_no_flat_line() -> None:
    unsure = 0
    for seed in range(60):
        found = outlook(days(ramp(30, 70, 0.04, 3.0, seed)), LINE)
        assert found.trend is not None
        assert found.horizon is not None
        if found.trend.lowest <= 0:
            assert found.kind is not Kind.CROSSES
            assert found.on is None
            unsure += found.trend.at(found.horizon) >= LINE  # whose middle would have a date
    assert unsure > 5, "series that try it"


@pytest.mark.parametrize("many", [0, 1, 3, 13])
def test_thirteen_days_are_too_little_to_predict(many: int) -> None:
    found = outlook(days([60 + number for number in range(many)]), LINE)
    assert found == Outlook(Kind.TOO_LITTLE, many, START if many else None)
    assert outlook(days([60 + number for number in range(14)]), LINE).kind is not Kind.TOO_LITTLE


@pytest.mark.parametrize("seed", range(10))
def test_a_step_is_no_trend(seed: int) -> None:
    values = ramp(45, 30, 0.0, 1.0, seed) + ramp(45, 60, 0.0, 1.0, seed + 100)
    found = outlook(days(values), LINE)
    assert found.changed
    assert found.since == START + timedelta(days=45)
    assert found.kind in (Kind.CLEAR, Kind.MAY_CROSS)
    assert found.on is None


def test_of_two_steps_the_days_since_the_last_one_count() -> None:
    values = ramp(30, 30, 0.0, 0.5) + ramp(30, 62, 0.0, 0.5) + ramp(30, 31, 0.0, 0.5)
    assert last_step(days(values), LINE) == START + timedelta(days=60)


def test_after_a_step_of_last_week_nothing_is_predicted() -> None:
    values = ramp(80, 60, 0.1, 0.5) + ramp(10, 31, 0.1, 0.5)  # a larger node type
    found = outlook(days(values), LINE)
    assert (found.kind, found.changed, found.days) == (Kind.TOO_LITTLE, True, 10)


@pytest.mark.parametrize("seed", range(50))
def test_neither_noise_nor_a_ramp_nor_a_single_week_of_peaks_is_a_step(seed: int) -> None:
    assert last_step(days(ramp(90, 20, 0.6, 2.0, seed)), LINE) is None
    assert last_step(days(alike(90, 0.0, seed)), LINE) is None
    assert last_step(days(ramp(90, 40, 0.0, 8.0, seed)), LINE) is None
    odd = ramp(90, 30, 0.0, 1.0, seed)
    odd[40] += 40
    odd[42] += 40
    assert last_step(days(odd), LINE) is None


def test_a_metric_above_its_line_says_since_when() -> None:
    found = outlook(days([60 + 0.5 * number for number in range(60)]), LINE)
    assert found.kind is Kind.ABOVE
    assert found.on == START + timedelta(days=30)


def test_nothing_is_predicted_farther_ahead_than_twice_the_time_looked_back() -> None:
    values = [30 + 0.2 * number for number in range(60)]
    found = outlook(days(values), LINE)  # it would cross on day 225
    assert found.kind is Kind.CLEAR
    assert found.horizon == START + timedelta(days=59 + 120)


def test_quantiles_lie_between_two_values_in_proportion() -> None:
    assert quantile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert quantile([0.0, 10.0], 0.95) == 9.5
    assert quantile([4.0], 0.95) == 4.0
