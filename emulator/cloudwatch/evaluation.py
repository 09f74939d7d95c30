"""From data points to an alarm's state, as CloudWatch documents it.

Source: CloudWatch user guide, "Alarm evaluation" and "Configuring how CloudWatch alarms treat
missing data", whose two tables are this file's tests.
"""

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """An alarm's state."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


class Treatment(StrEnum):
    """The values of TreatMissingData."""

    MISSING = "missing"
    IGNORE = "ignore"
    BREACHING = "breaching"
    NOT_BREACHING = "notBreaching"


_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
# The documented examples retrieve 5 points for 3 periods; for other lengths it only says "more".
_ALSO_RETRIEVED = 2


@dataclass(frozen=True)
class Rule:
    """`to_alarm` (M) of the last `periods` (N) figures must compare so with the threshold."""

    comparison: str
    threshold: float
    periods: int
    to_alarm: int
    treatment: Treatment

    def __post_init__(self) -> None:
        """ValueError for a comparison with a band, which only anomaly detection has."""
        if self.comparison not in _COMPARE:
            raise ValueError(f"alarms that compare with {self.comparison} are not evaluated here")

    @property
    def range(self) -> int:
        """How many of the last periods are looked at: CloudWatch's evaluation range."""
        return self.periods + _ALSO_RETRIEVED

    def breaches(self, value: float) -> bool:
        """Whether this figure is beyond the threshold."""
        return _COMPARE[self.comparison](value, self.threshold)


def next_state(rule: Rule, figures: Sequence[float | None], now: State) -> State:
    """The state that follows from the figures of the evaluation range, the most recent one last.

    None is a missing figure. It fills in for missing ones only while there are fewer real ones
    than the alarm's periods.
    """
    breaching = [
        None if value is None else rule.breaches(value) for value in figures[-rule.range :]
    ]
    real = [value for value in breaching if value is not None]
    if len(real) >= rule.periods:
        return _enough(rule, sum(real[-rule.periods :]))
    match rule.treatment:
        case Treatment.BREACHING:
            return _enough(rule, sum(real) + rule.periods - len(real))
        case Treatment.NOT_BREACHING:
            return _enough(rule, sum(real))
    if sum(real) >= rule.to_alarm:
        return State.ALARM
    if not all(real):
        return State.OK
    # Only breaching figures, or none at all, and too few of them.
    if rule.treatment is Treatment.IGNORE:
        return now
    if real and len(breaching) - breaching.index(True) >= rule.to_alarm:
        return State.ALARM  # the first of them is old enough ("premature transitions")
    return State.INSUFFICIENT_DATA


def _enough(rule: Rule, breaching: int) -> State:
    return State.ALARM if breaching >= rule.to_alarm else State.OK
