"""CloudWatch metric math, as far as alarms use it, with CloudWatch's treatment of missing points.

Source: CloudWatch user guide, "Using metric math":

- Arithmetic takes a value that is missing for 0, and drops a point that is divided by zero.
- A comparison of two series takes a value that only one of them has for 0 in the other.
- IF follows its condition point by point: it takes 0 where the chosen first series has no value,
  and drops the point where the chosen second one has none or is left out.
- AVG, MAX, MIN and SUM of one series are a number, of an array they are a series. AVG takes a
  missing value for 0. For MAX and MIN nothing is said: here they take what is there (unverified).

Public reports contradict each other on the first rule (compiler-explorer/infra#1661 saw 0, others
saw the point vanish). `Missing` names both readings, so that an alarm can be held to either.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum

from emulator.cloudwatch.functions import AGGREGATES, aggregate, choose
from emulator.cloudwatch.syntax import (
    Array,
    Call,
    MetricMathError,
    Number,
    Operation,
    Reference,
    Tree,
    parse,
)
from emulator.cloudwatch.values import (
    Series,
    Value,
    as_array,
    as_number,
    as_series,
    each,
    pairs,
    value_at,
)


class Missing(Enum):
    """What an operator between two series makes of a value that only one of them has."""

    ZERO = "taken for 0, as documented"
    NO_POINT = "no point, as some saw it"


_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class MetricMath:
    """Evaluates the expressions of one alarm.

    `series` holds the queries that are metrics, `expressions` the others, both by id; `times` are
    the starts of all periods that are looked at, which FILL needs.
    """

    def __init__(
        self,
        series: Mapping[str, Series],
        expressions: Mapping[str, str],
        times: Sequence[int],
        missing: Missing = Missing.ZERO,
    ) -> None:
        self._series = series
        self._expressions = expressions
        self._times = times
        self._missing = missing
        self._open: list[str] = []

    def series(self, query_id: str) -> Series:
        """The series of a query. Raises MetricMathError when it has none, or not exactly one."""
        value = self._reference(query_id)
        if not isinstance(value, Mapping):
            raise MetricMathError(f"{query_id}: the result of an alarm must be one time series")
        return value

    def _reference(self, name: str) -> Value:
        if name in self._series:
            return self._series[name]
        if name not in self._expressions:
            raise MetricMathError(f"{name} is not the id of a query")
        if name in self._open:
            raise MetricMathError(f"{name} refers to itself")
        self._open.append(name)
        value = self._value(parse(self._expressions[name]))
        self._open.pop()
        return value

    def _value(self, tree: Tree) -> Value:
        match tree:
            case Number(value):
                return value
            case Reference(name):
                return self._reference(name)
            case Array(items):
                return [one for item in items for one in as_array(self._value(item))]
            case Operation(sign, left, right):
                return self._operation(sign, self._value(left), self._value(right))
            case Call("IF", (condition, chosen)):
                return choose(self._value(condition), self._value(chosen), None)
            case Call("IF", (condition, chosen, otherwise)):
                return choose(*(self._value(one) for one in (condition, chosen, otherwise)))
            case Call("FILL", (filled, filler)):
                return self._fill(filled, filler)
            case Call(function, (argument,)) if function in AGGREGATES:
                return aggregate(function, self._value(argument))
            case Call(function, arguments):
                raise MetricMathError(f"{function} with {len(arguments)} arguments is not known")

    def _operation(self, sign: str, left: Value, right: Value) -> Value:
        if isinstance(left, list) or isinstance(right, list):
            return [as_series(self._operation(sign, *both)) for both in pairs(left, right)]
        if isinstance(left, Mapping) and isinstance(right, Mapping):
            both = self._moments(left, right)
            return _points(sign, ((at, left.get(at, 0.0), right.get(at, 0.0)) for at in both))
        if isinstance(left, Mapping):
            return _points(sign, ((at, value, as_number(right)) for at, value in left.items()))
        if isinstance(right, Mapping):
            return _points(sign, ((at, left, value) for at, value in right.items()))
        if sign == "/" and right == 0:
            raise MetricMathError("a number is divided by zero")
        return float(_ARITHMETIC[sign](left, right))

    def _moments(self, left: Series, right: Series) -> list[int]:
        if self._missing is Missing.ZERO:
            return sorted(left.keys() | right.keys())
        return sorted(left.keys() & right.keys())

    def _fill(self, filled: Tree, filler: Tree) -> Value:
        value = self._value(filled)
        if filler == Call("REPEAT", ()):
            return each(value, self._repeat)
        with_what = self._value(filler)
        return each(
            value, lambda one: {at: one.get(at, value_at(with_what, at)) for at in self._times}
        )

    def _repeat(self, series: Series) -> Series:
        found: dict[int, float] = {}
        last: float | None = None
        for at in self._times:
            last = series.get(at, last)
            if last is not None:
                found[at] = last
        return found


def _points(sign: str, operands: Iterable[tuple[int, float, float]]) -> Series:
    calculate = _ARITHMETIC[sign]
    return {
        at: float(calculate(left, right))
        for at, left, right in operands
        if not (sign == "/" and right == 0)
    }
