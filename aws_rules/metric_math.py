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

Function names are upper case, ids begin with a lower-case letter. Powers, AND and OR are left out:
no alarm here uses them. Python's own parser reads an expression, as the signs, their order and the
brackets are the same.
"""

import ast
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from enum import Enum

Series = Mapping[int, float]  # by the start of each period, seconds since the epoch
Value = float | Series | list[Series]
Operator = Callable[[float, float], float]

_NAME = re.compile(r"[A-Za-z]\w*", re.ASCII)
_WORDS = re.compile(
    r"(?:\s+|(?:\d+(?:\.\d*)?|\.\d+)(?!\w)|[A-Za-z]\w*|[=!]=|[<>]=?|[-+*/()\[\],])*", re.ASCII
)
_ONLY_PYTHON = re.compile(r",\s*[\])]|\)\s*\(")  # a comma before a closing bracket, `(A)(b)`
_OPERATORS: dict[type[ast.AST], Operator] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
# Of the values that there are, and of how many there could be.
_AGGREGATES: dict[str, Callable[[list[float], int], float]] = {
    "AVG": lambda values, possible: sum(values) / possible,
    "MAX": lambda values, _: max(values),
    "MIN": lambda values, _: min(values),
    "SUM": lambda values, _: sum(values),
}


class MetricMathError(ValueError):
    """An expression that CloudWatch would refuse, or one that this evaluator does not know."""


class Missing(Enum):
    """What an operator between two series makes of a value that only one of them has."""

    ZERO = "taken for 0, as documented"
    NO_POINT = "no point, as some saw it"


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
        value = self._value(_parsed(self._expressions[name]))
        self._open.pop()
        return value

    def _value(self, node: ast.expr) -> Value:
        match node:
            case ast.Constant(value=int() | float() as value):
                return float(value)
            case ast.Name(id=name):
                return self._call(name[1:], []) if name[1].isupper() else self._reference(name[1:])
            case ast.List(elts=[_, *_] as items):
                return [one for item in items for one in _as_array(self._value(item))]
            case ast.Call(func=ast.Name(id=name), args=[_, *_] as arguments, keywords=[]):
                if name[1].isupper():
                    return self._call(name[1:], arguments)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return self._operation(operator.mul, -1.0, self._value(operand))
            case (
                ast.BinOp(left=left, op=sign, right=right)
                | ast.Compare(left=left, ops=[sign], comparators=[right])
            ) if type(sign) in _OPERATORS:
                calculate = _OPERATORS[type(sign)]
                return self._operation(calculate, self._value(left), self._value(right))
        text = self._expressions[self._open[-1]]
        raise MetricMathError(f"metric math {text!r}: {ast.dump(node)} is not metric math")

    def _call(self, function: str, arguments: list[ast.expr]) -> Value:
        match function, arguments:
            case "FILL", [filled, ast.Name(id="_REPEAT")]:
                return _each(self._value(filled), self._repeat)
        values = [self._value(argument) for argument in arguments]
        match function, values:
            case "IF", [condition, chosen]:
                return _choose(condition, chosen, None)
            case "IF", [condition, chosen, otherwise]:
                return _choose(condition, chosen, otherwise)
            case "FILL", [filled_value, filler]:
                return _each(
                    filled_value,
                    lambda one: {at: one.get(at, _value_at(filler, at)) for at in self._times},
                )
            case _, [argument] if function in _AGGREGATES:
                return _aggregate(function, argument)
        raise MetricMathError(f"{function} with {len(arguments)} arguments is not known")

    def _operation(self, calculate: Operator, left: Value, right: Value) -> Value:
        if isinstance(left, list) or isinstance(right, list):
            return [_as_series(self._operation(calculate, *both)) for both in _pairs(left, right)]
        divides = calculate is operator.truediv
        moments = [set(one) for one in (left, right) if isinstance(one, Mapping)]
        if not moments:
            if divides and right == 0:
                raise MetricMathError("a number is divided by zero")
            return float(calculate(_as_number(left), _as_number(right)))
        combine = set.union if self._missing is Missing.ZERO else set.intersection
        operands = (
            (at, _value_at(left, at), _value_at(right, at)) for at in sorted(combine(*moments))
        )
        return {
            at: float(calculate(one, other))
            for at, one, other in operands
            if not (divides and other == 0)
        }

    def _repeat(self, series: Series) -> Series:
        repeated: dict[int, float] = {}
        last: float | None = None
        for at in self._times:
            last = series.get(at, last)
            if last is not None:
                repeated[at] = last
        return repeated


def _parsed(text: str) -> ast.expr:
    known = _WORDS.match(text)
    end = known.end() if known else 0
    if end < len(text):
        raise MetricMathError(f"metric math {text!r}: {text[end]!r} is not known")
    if wrong := _ONLY_PYTHON.search(text):
        raise MetricMathError(f"metric math {text!r}: {wrong[0]!r} is not allowed")
    # With a sign before it no name is a word of Python's own; its lines are one line.
    python = " ".join(_NAME.sub(r"_\g<0>", text).split())
    try:
        return ast.parse(python, mode="eval").body
    except SyntaxError as problem:
        raise MetricMathError(f"metric math {text!r}: not an expression ({problem})") from None


def _as_array(value: Value) -> list[Series]:
    return value if isinstance(value, list) else [_as_series(value)]


def _as_series(value: Value) -> Series:
    if not isinstance(value, Mapping):
        raise MetricMathError("an array holds time series only")
    return value


def _as_number(value: Value) -> float:
    if not isinstance(value, int | float):
        raise MetricMathError("a number is needed where a series is")
    return value


def _value_at(value: Value, at: int) -> float:
    return value.get(at, 0.0) if isinstance(value, Mapping) else _as_number(value)


def _each(value: Value, change: Callable[[Series], Series]) -> Value:
    return [change(one) for one in value] if isinstance(value, list) else change(_as_series(value))


def _pairs(left: Value, right: Value) -> list[tuple[Value, Value]]:
    """The operands where one side, or both, are arrays."""
    length = max(len(one) for one in (left, right) if isinstance(one, list))
    lefts, rights = (one if isinstance(one, list) else [one] * length for one in (left, right))
    if len(lefts) != len(rights):
        raise MetricMathError("two arrays of different length")
    return list(zip(lefts, rights, strict=True))


def _choose(condition: Value, chosen: Value, otherwise: Value | None) -> Value:
    if isinstance(condition, list):
        raise MetricMathError("the condition of IF is one series or a number")
    if not isinstance(condition, Mapping):
        branch = chosen if condition else otherwise
        return {} if branch is None else branch
    result: dict[int, float] = {}
    for at, truth in condition.items():
        if truth:
            result[at] = _value_at(chosen, at)
        elif isinstance(otherwise, Mapping):
            if at in otherwise:
                result[at] = otherwise[at]
        elif otherwise is not None:
            result[at] = _as_number(otherwise)
    return result


def _aggregate(function: str, value: Value) -> Value:
    calculate = _AGGREGATES[function]
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
