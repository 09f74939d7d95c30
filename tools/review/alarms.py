"""Alarms that a change removes, or makes slower or rarer to go off."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from tools.review.difference import PropertyChange, changed_properties, deepest
from tools.review.estate import Address, Estate, Resource
from tools.review.findings import Finding, What
from tools.review.showing import shown
from tools.review.values import number

ALARM = "AWS::CloudWatch::Alarm"
COMPOSITE = "AWS::CloudWatch::CompositeAlarm"

# What a change cannot make an alarm say less often.
HARMLESS = ("AlarmDescription", "AlarmName", "Tags")
ACTIONS = ("AlarmActions", "InsufficientDataActions", "OKActions")
# From the least to the most that is said when metrics stop coming.
_MISSING = {"notBreaching": 0, "ignore": 1, "missing": 1, "breaching": 2}
_STATISTICS = {"Minimum": 0, "Average": 1, "Maximum": 2}


def alarm_findings(base: Estate, head: Estate) -> Iterator[Finding]:
    """Every alarm of today that is gone, or would not go off in every case in which it does now."""
    after = _alarms(head)
    for address, alarm in _alarms(base).items():
        now = after.get(address) or _same(alarm, after)
        if now is None:
            causes: tuple[str, ...] = ("it is no longer in the template",)
            effect = "Nobody is told any more."
        else:
            causes = tuple(loosened(alarm, now))
            effect = "It goes off later, more rarely, or tells fewer."
        if causes:
            yield Finding(
                What.LOOSEN,
                *address,
                alarm.kind,
                causes,
                effect,
                [alarm.properties, now.properties if now else None],
            )


def _alarms(estate: Estate) -> dict[Address, Resource]:
    return {
        address: one
        for address, one in sorted(estate.resources.items())
        if one.kind in (ALARM, COMPOSITE)
    }


def _same(alarm: Resource, others: Mapping[Address, Resource]) -> Resource | None:
    """The alarm of another logical id that does all that this one does."""
    for other in others.values():
        if other.kind == alarm.kind and not list(loosened(alarm, other)):
            return other
    return None


def loosened(before: Resource, after: Resource) -> Iterator[str]:
    """One line for each respect in which the second does not say all that the first says."""
    was, becomes = before.properties, after.properties
    judged = set(HARMLESS)
    if before.kind == ALARM:
        judged |= {"Threshold", "ComparisonOperator", "EvaluationPeriods", "DatapointsToAlarm"}
        yield from _threshold(was, becomes)
        yield from _periods(was, becomes)
    for change in changed_properties(before, after):
        if change.path.split(".")[0] not in judged and _worse(change, becomes):
            for one in deepest(change):
                yield _line(one.path, one.before, one.after)


def _worse(change: PropertyChange, after: Mapping[str, Any]) -> bool:
    """Whether a change of any other property may cost an alarm; what is not known may."""
    match change.path:
        case "ActionsEnabled":
            return bool(change.after == "false")
        case "AlarmActions" | "InsufficientDataActions" | "OKActions":
            return any(one not in (change.after or []) for one in change.before or [])
        case "TreatMissingData":
            was, becomes = (
                _MISSING.get(str(one or "missing"), -1) for one in (change.before, change.after)
            )
            return was == -1 or becomes <= was
        case "Statistic":
            ranks = [_STATISTICS.get(str(one), -1) for one in (change.before, change.after)]
            up = str(after.get("ComparisonOperator", "")).startswith("GreaterThan")
            return -1 in ranks or (ranks[1] < ranks[0] if up else ranks[1] > ranks[0])
    return True


def _threshold(was: Mapping[str, Any], becomes: Mapping[str, Any]) -> Iterator[str]:
    operators = [str(one.get("ComparisonOperator", "")) for one in (was, becomes)]
    limits = [number(one.get("Threshold")) for one in (was, becomes)]
    directions = [_direction(operator) for operator in operators]
    if operators[0] != operators[1] and (
        directions[0] != directions[1] or 0 in directions or "OrEqual" in operators[0]
    ):
        yield _line("ComparisonOperator", *operators)
    if was.get("Threshold") == becomes.get("Threshold"):
        return
    if limits[0] is None or limits[1] is None or not directions[1]:
        looser = True
    else:
        looser = (limits[1] - limits[0]) * directions[1] > 0
    if looser:
        yield _line("Threshold", was.get("Threshold"), becomes.get("Threshold"))


def _direction(operator: str) -> int:
    """1 where a higher threshold is looser, -1 where a lower one is, 0 where neither is known."""
    if operator in ("GreaterThanThreshold", "GreaterThanOrEqualToThreshold"):
        return 1
    return -1 if operator in ("LessThanThreshold", "LessThanOrEqualToThreshold") else 0


def _periods(was: Mapping[str, Any], becomes: Mapping[str, Any]) -> Iterator[str]:
    """An alarm that needs M of N points is no looser if every old M of N holds a new M of N."""
    before, after = _points(was), _points(becomes)
    if before == after:
        return
    if before is None or after is None:
        yield "EvaluationPeriods, DatapointsToAlarm: figures that only AWS knows"
        return
    (points, periods), (new_points, new_periods) = before, after
    # However the old points lie, this many of them are in one stretch of the new length.
    stretches = max(math.ceil(periods / new_periods), 1)
    if new_points > math.ceil(points / stretches):
        yield f"{points:g} of {periods:g} periods → {new_points:g} of {new_periods:g}"


def _points(alarm: Mapping[str, Any]) -> tuple[float, float] | None:
    periods = number(alarm.get("EvaluationPeriods"))
    points = number(alarm.get("DatapointsToAlarm", alarm.get("EvaluationPeriods")))
    return None if points is None or not periods else (points, periods)


def _line(name: str, before: Any, after: Any) -> str:
    return f"{name}: {shown(name, before)} → {shown(name, after)}"
