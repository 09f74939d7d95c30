"""What a metric-math expression can be: a number, a series or an array of series."""

from collections.abc import Callable, Mapping

from aws_rules.metric_math.syntax import MetricMathError

Series = Mapping[int, float]  # by the start of each period, seconds since the epoch
Value = float | Series | list[Series]


def as_array(value: Value) -> list[Series]:
    """The series that this is, one or several."""
    if isinstance(value, list):
        return value
    return [as_series(value)]


def as_series(value: Value) -> Series:
    """A value that is one series. Raises MetricMathError for anything else."""
    if not isinstance(value, Mapping):
        raise MetricMathError("an array holds time series only")
    return value


def as_number(value: Value) -> float:
    """A value that is a number. Raises MetricMathError for anything else."""
    if not isinstance(value, int | float):
        raise MetricMathError("a number is needed where a series is")
    return value


def value_at(value: Value, at: int) -> float:
    """The value at a moment; 0 where a series has none."""
    return value.get(at, 0.0) if isinstance(value, Mapping) else as_number(value)


def each(value: Value, change: Callable[[Series], Series]) -> Value:
    """A change of one series, or of each in an array."""
    return [change(one) for one in value] if isinstance(value, list) else change(as_series(value))


def pairs(left: Value, right: Value) -> list[tuple[Value, Value]]:
    """What an operator combines where one side, or both, are arrays."""
    length = max(len(one) for one in (left, right) if isinstance(one, list))
    lefts, rights = (one if isinstance(one, list) else [one] * length for one in (left, right))
    if len(lefts) != len(rights):
        raise MetricMathError("two arrays of different length")
    return list(zip(lefts, rights, strict=True))
