"""Metric math as the CloudWatch user guide describes it, with the guide's own examples."""

import re
from collections.abc import Mapping

import pytest

from aws_rules.metric_math import MetricMath, MetricMathError, Missing, Series

Values = Mapping[str, tuple[float | None, ...]]
TIMES = [0, 60, 120, 180, 240]


def points(*values: float | None) -> Series:
    return {at: one for at, one in zip(TIMES, values, strict=False) if one is not None}


def value(
    expression: str, given: Mapping[str, Series], missing: Missing = Missing.ZERO
) -> Mapping[int, float]:
    return MetricMath(given, {"result": expression}, TIMES, missing).series("result")


IF = {"m1": (1, 1, 0, 0, None), "m2": (30, None, 0, 0, 30), "m3": (0, 0, 20, None, 20)}
COMPARED = {"m1": (30, 20, 0, 0), "m2": (20, None, 20, None)}
ARRAY = {"a": (1, 5, None, None), "b": (3, None, 7, None)}
GAP = {"m": (None, 2, None, 3)}
HIT_RATE = "IF(SUM([a1,a2,b1,b2])<100,100,100*SUM([a1,a2])/(SUM([a1,a2,b1,b2])+0.000001))"
TRAFFIC = {
    "a1": (0, 40, 60, 0, None),
    "a2": (0, 0, 20, 0, None),
    "b1": (0, 40, 20, 0, None),
    "b2": (0, 0, 0, 200, None),
}


@pytest.mark.parametrize(
    ("expression", "series", "wanted"),
    [
        # Operators follow precedence and brackets.
        ("2+m*3", {"m": (4,)}, (14,)),
        ("(2+m)*3", {"m": (4,)}, (18,)),
        ("m-1-1", {"m": (4,)}, (2,)),
        ("-m/2", {"m": (4,)}, (-2,)),
        ("m < 2*3", {"m": (4,)}, (1,)),
        # Arithmetic takes a missing value for zero, and drops a point that is divided by zero.
        ("a+b", {"a": (1, None, None), "b": (2, 3, None)}, (3, 3, None)),
        ("a*b", {"a": (1, None), "b": (2, 3)}, (2, 0)),
        ("a/b", {"a": (1, 2, 3), "b": (2, 0, None)}, (0.5,)),
        # The guide's own results.
        ("m1 < m2", COMPARED, (0, 0, 1, 0)),
        ("m1 >= 30", COMPARED, (1, 0, 0, 0)),
        ("IF(m1, m2, m3)", IF, (30, 0, 20)),
        ("IF(m1, 5, m3)", IF, (5, 5, 20)),
        ("IF(m1, m2, 5)", IF, (30, 0, 5, 5)),
        ("IF(m1<1, m3)", IF, (None, None, 20, 0)),
        ("IF(0, m2, m3)", IF, IF["m3"]),
        ("IF(0, m2)", IF, ()),
        # Functions of an array give a series, those of one series a number.
        ("MAX([a,b])", ARRAY, (3, 5, 7)),
        ("MIN([a,b])", ARRAY, (1, 5, 7)),
        ("SUM([a,b])", ARRAY, (4, 5, 7)),
        ("AVG([a,b])", ARRAY, (2, 2.5, 3.5)),
        ("m/MAX(m)", {"m": (1, 4)}, (0.25, 1)),
        ("m-AVG(m)", {"m": (1, 3)}, (-1, 1)),
        # Operators reach into an array.
        ("SUM(100/[a,b])", {"a": (10,), "b": (50,)}, (12,)),
        ("SUM([a,b]*[b,a])", {"a": (2,), "b": (3,)}, (12,)),
        # FILL fills every period.
        ("FILL(m,0)", {"m": (None, 2, None)}, (0, 2, 0, 0, 0)),
        ("FILL(m,REPEAT)", GAP, (None, 2, 2, 3, 3)),
        ("FILL(m,other)", {"m": (1,), "other": (9, 8, 7, 6, 5)}, (1, 8, 7, 6, 5)),
        # The hit rate is full without traffic and true with it.
        (HIT_RATE, TRAFFIC, (100, 100, 80, 0)),
    ],
)
def test_an_expression_is_as_the_guide_says(
    expression: str, series: Values, wanted: tuple[float | None, ...]
) -> None:
    given = {name: points(*values) for name, values in series.items()}
    assert value(expression, given) == pytest.approx(points(*wanted), abs=0.0001)


def test_the_other_reading_gives_no_point_where_one_is_missing() -> None:
    series = {"a": points(1, None), "b": points(2, 3)}
    assert value("a+b", series, Missing.NO_POINT) == points(3)
    assert value("a*b", series, Missing.NO_POINT) == points(2)


def test_an_expression_may_use_another_one() -> None:
    math = MetricMath({"m": points(2)}, {"e1": "e2+1", "e2": "m*10"}, TIMES)
    assert math.series("e1") == points(21)


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
        ("a1**2", "metric math 'a1**2': BinOp"),
        ("a1<a1<a1", "Compare"),
        ("[a1,]", "',]' is not allowed"),
        ("(MAX)(a1)", "')(' is not allowed"),
        ("STDDEV([a1,b1])", "STDDEV with 1 arguments is not known"),
        ("unknown", "not the id of a query"),
        ("result+1", "refers to itself"),
        ("1/0", "divided by zero"),
        ("[a1,b1]", "must be one time series"),
        ("SUM(a1)", "must be one time series"),
        ("SUM([a1,b1]+[a1])", "different length"),
    ],
)
def test_what_cloudwatch_would_refuse_is_refused(expression: str, why: str) -> None:
    with pytest.raises(MetricMathError, match=re.escape(why)):
        value(expression, {"a1": points(1), "b1": points(1)})
