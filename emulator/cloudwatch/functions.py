"""The functions of metric math that choose between series or bring several together."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from emulator.cloudwatch.syntax import MetricMathError
from emulator.cloudwatch.values import Value, as_number, value_at


def choose(condition: Value, chosen: Value, otherwise: Value | None) -> Value:
    """IF, point by point where its condition is a series."""
    if isinstance(condition, list):
        raise MetricMathError("the condition of IF is one series or a number")
    if not isinstance(condition, Mapping):
        branch = chosen if condition else otherwise
        return {} if branch is None else branch
    found: dict[int, float] = {}
    for at, truth in condition.items():
        if truth:
            found[at] = value_at(chosen, at)
        elif isinstance(otherwise, Mapping):
            if at in otherwise:
                found[at] = otherwise[at]
        elif otherwise is not None:
            found[at] = as_number(otherwise)
    return found


def _average(values: list[float], all_of_them: int) -> float:
    return sum(values) / all_of_them


AGGREGATES: dict[str, Callable[[list[float], int], float]] = {
    "AVG": _average,
    "MAX": lambda values, _: max(values),
    "MIN": lambda values, _: min(values),
    "SUM": lambda values, _: sum(values),
}


def aggregate(function: str, value: Value) -> Value:
    """One of AGGREGATES: a number from a series, a series from an array."""
    calculate = AGGREGATES[function]
    if isinstance(value, list):
        moments = sorted({at for series in value for at in series})
        return {
            at: calculate([series[at] for series in value if at in series], len(value))
            for at in moments
        }
    if not isinstance(value, Mapping):
        raise MetricMathError(f"{function} takes a time series or an array of them")
    if not value:
        raise MetricMathError(f"{function} of a series without a point is no number")
    return calculate(list(value.values()), len(value))
