"""Every alarm of an environment from its template: when it fires, whom it notifies, what to do."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tools.assembly import Document, Stack
from tools.command import counted

_DESCRIPTION = re.compile(r"^(?P<means>.*?)(?: First: (?P<first>.*?))?(?: Runbook: (?P<url>\S+))?$")
_SIGNS = {
    "GreaterThanThreshold": ">",
    "GreaterThanOrEqualToThreshold": "≥",
    "LessThanThreshold": "<",
    "LessThanOrEqualToThreshold": "≤",
}
_SEVERITY = re.compile(r"-(critical|warning)(?=-|$)")
_SHORT = re.compile(r"(MAX|MIN|SUM|AVG)\(\[[\w,]+\]\)")
_OF_ALL = {"MAX": "the highest", "MIN": "the lowest", "SUM": "the sum", "AVG": "the mean"}
UNKNOWN = "other"


@dataclass(frozen=True, slots=True)
class Alarm:
    """``figure`` is the metric with its statistic, ``taken`` how its series become one value.

    ``expression`` is CloudWatch's metric math where words would be too many.
    """

    name: str
    short: str
    severity: str
    figure: str
    taken: str
    expression: str
    condition: str
    lasting: str
    means: str
    first: str
    runbook: str


def alarms(stacks: Iterable[Stack], prefix: str) -> list[Alarm]:
    """The alarms of all stacks, those that page first; ``prefix`` begins their names."""
    found = [
        _alarm(properties, prefix)
        for stack in stacks
        for properties in stack.of_type("AWS::CloudWatch::Alarm").values()
    ]
    return sorted(found, key=lambda alarm: ("critical", "warning", UNKNOWN).index(alarm.severity))


def _alarm(properties: Document, prefix: str) -> Alarm:
    name = properties["AlarmName"]
    said = _DESCRIPTION.match(properties.get("AlarmDescription", ""))
    words = said.groupdict() if said else {}
    severity = _SEVERITY.search(name)
    period = max(_periods(properties), default=60)
    figure, taken, expression = _figure(properties)
    return Alarm(
        name=name,
        short=name.removeprefix(prefix),
        severity=severity[1] if severity else UNKNOWN,
        figure=figure,
        taken=taken,
        expression=expression,
        condition=f"{_SIGNS[properties['ComparisonOperator']]} {_number(properties['Threshold'])}",
        lasting=_lasting(properties, period),
        means=words.get("means") or "",
        first=words.get("first") or "",
        runbook=words.get("url") or "",
    )


def _lasting(properties: Document, period: int) -> str:
    periods = properties["EvaluationPeriods"]
    points = properties.get("DatapointsToAlarm", periods)
    each = counted(period // 60, "minute") if period % 60 == 0 else counted(period, "second")
    if points < periods:
        return f"{points} of the last {periods} times {each}"
    if periods == 1:
        return f"within {each}"
    return f"{periods} minutes in a row" if period == 60 else f"{periods} times {each} in a row"


def _figure(properties: Document) -> tuple[str, str, str]:
    stats = list(_stats(properties))
    names = " and ".join(
        dict.fromkeys(f"{stat['Stat']} of {stat['Metric']['MetricName']}" for stat in stats)
    )
    expression = next(
        (query["Expression"] for query in properties.get("Metrics", []) if "Expression" in query),
        "",
    )
    if not expression:
        return names or properties.get("MetricName", ""), "", ""
    if short := _SHORT.fullmatch(expression):
        return names, f"{_OF_ALL[short[1]]} of {len(stats)} series", ""
    return names, f"from {len(stats)} series", expression


def _stats(properties: Document) -> Iterator[Document]:
    for query in properties.get("Metrics", []):
        if "MetricStat" in query:
            yield query["MetricStat"]


def _periods(properties: Document) -> Iterator[int]:
    yield from (stat["Period"] for stat in _stats(properties))
    if "Period" in properties:
        yield properties["Period"]


def _number(value: float) -> str:
    return f"{value:,.10g}"
