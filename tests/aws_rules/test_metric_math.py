"""Metric math as the CloudWatch user guide describes it, with the guide's own examples."""

import re
from collections.abc import Mapping

import pytest

from aws_rules.metric_math import MetricMath, MetricMathError, Missing, Series

TIMES = [0, 60, 120, 180, 240]


def points(*values: float | None) -> Series:
    return {at: one for at, one in zip(TIMES, values, strict=False) if one is not None}


def value(expression: str, **series: Series) -> Mapping[int, float]:
    return MetricMath(series, {"result": expression}, TIMES).series("result")


def other_reading(expression: str, **series: Series) -> Mapping[int, float]:
    return MetricMath(series, {"result": expression}, TIMES, Missing.NO_POINT).series("result")


def test_operators_follow_precedence_and_brackets() -> None:
    assert value("2+m*3", m=points(4)) == points(14)
    assert value("(2+m)*3", m=points(4)) == points(18)
    assert value("m-1-1", m=points(4)) == points(2)
    assert value("-m/2", m=points(4)) == points(-2)
    assert value("m < 2*3", m=points(4)) == points(1)


def test_arithmetic_takes_a_missing_value_for_zero() -> None:
    assert value("a+b", a=points(1, None, None), b=points(2, 3, None)) == points(3, 3, None)
    assert value("a*b", a=points(1, None), b=points(2, 3)) == points(2, 0)


def test_the_other_reading_gives_no_point_where_one_is_missing() -> None:
    series = {"a": points(1, None), "b": points(2, 3)}
    assert other_reading("a+b", **series) == points(3)
    assert other_reading("a*b", **series) == points(2)


def test_a_point_that_is_divided_by_zero_is_dropped() -> None:
    assert value("a/b", a=points(1, 2, 3), b=points(2, 0, None)) == points(0.5)


@pytest.mark.parametrize(
    ("expression", "wanted"), [("metric1 < metric2", (0, 0, 1, 0)), ("metric1 >= 30", (1, 0, 0, 0))]
)
def test_comparisons_give_the_guides_own_results(
    expression: str, wanted: tuple[float, ...]
) -> None:
    metric1, metric2 = points(30, 20, 0, 0), points(20, None, 20, None)
    assert value(expression, metric1=metric1, metric2=metric2) == points(*wanted)


def test_if_gives_the_guides_own_results() -> None:
    metric1, metric2 = points(1, 1, 0, 0, None), points(30, None, 0, 0, 30)
    metric3 = points(0, 0, 20, None, 20)
    series = {"metric1": metric1, "metric2": metric2, "metric3": metric3}
    assert value("IF(metric1, metric2, metric3)", **series) == points(30, 0, 20)
    assert value("IF(metric1, 5, metric3)", **series) == points(5, 5, 20)
    assert value("IF(metric1, metric2, 5)", **series) == points(30, 0, 5, 5)
    assert value("IF(metric1<1, metric3)", **series) == points(None, None, 20, 0)
    assert value("IF(0, metric2, metric3)", **series) == metric3
    assert value("IF(0, metric2)", **series) == {}


def test_functions_of_an_array_give_a_series() -> None:
    array = {"a": points(1, 5, None, None), "b": points(3, None, 7, None)}
    assert value("MAX([a,b])", **array) == points(3, 5, 7)
    assert value("MIN([a,b])", **array) == points(1, 5, 7)
    assert value("SUM([a,b])", **array) == points(4, 5, 7)
    assert value("AVG([a,b])", **array) == points(2, 2.5, 3.5)


def test_functions_of_one_series_give_a_number() -> None:
    assert value("m/MAX(m)", m=points(1, 4)) == points(0.25, 1)
    assert value("m-AVG(m)", m=points(1, 3)) == points(-1, 1)
    with pytest.raises(MetricMathError, match="must be one time series"):
        value("SUM(m)", m=points(1))


def test_operators_reach_into_an_array() -> None:
    assert value("SUM(100/[a,b])", a=points(10), b=points(50)) == points(12)
    assert value("SUM([a,b]*[b,a])", a=points(2), b=points(3)) == points(12)


def test_fill_fills_every_period() -> None:
    assert value("FILL(m,0)", m=points(None, 2, None)) == points(0, 2, 0, 0, 0)
    assert value("FILL(m,REPEAT)", m=points(None, 2, None, 3)) == points(None, 2, 2, 3, 3)
    assert value("FILL(m,other)", m=points(1), other=points(9, 8, 7, 6, 5)) == points(1, 8, 7, 6, 5)


def test_an_expression_may_use_another_one() -> None:
    math = MetricMath({"m": points(2)}, {"e1": "e2+1", "e2": "m*10"}, TIMES)
    assert math.series("e1") == points(21)


HIT_RATE = "IF(SUM([a1,a2,b1,b2])<100,100,100*SUM([a1,a2])/(SUM([a1,a2,b1,b2])+0.000001))"


def test_the_hit_rate_is_full_without_traffic_and_true_with_it() -> None:
    found = value(
        HIT_RATE,
        a1=points(0, 40, 60, 0, None),
        a2=points(0, 0, 20, 0, None),
        b1=points(0, 40, 20, 0, None),
        b2=points(0, 0, 0, 200, None),
    )
    assert found == pytest.approx({0: 100, 60: 100, 120: 80, 180: 0}, abs=0.0001)


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("a1+", "not an expression"),
        ("a1 b1", "not an expression"),
        ("MAX([a1,b1)", "not an expression"),
        ("a1 % 2", "'%' is not known"),
        ("1e5", "'1' is not known"),
        ("MAX(x=a1)", "'=' is not known"),
        ("MAX(*a1)", "Starred"),
        ("a1**2", "Pow"),
        ("a1<a1<a1", "Compare"),
        ("[a1,]", "',]' is not allowed"),
        ("(MAX)(a1)", "')(' is not allowed"),
        ("STDDEV([a1,b1])", "STDDEV with 1 arguments is not known"),
        ("unknown", "not the id of a query"),
        ("result+1", "refers to itself"),
        ("1/0", "divided by zero"),
        ("[a1,b1]", "must be one time series"),
        ("SUM([a1,b1]+[a1])", "different length"),
    ],
)
def test_what_cloudwatch_would_refuse_is_refused(expression: str, why: str) -> None:
    with pytest.raises(MetricMathError, match=re.escape(why)):
        value(expression, a1=points(1), b1=points(1))
