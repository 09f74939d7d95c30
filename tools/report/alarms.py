"""Every alarm of an environment from its template: when it fires, whom it notifies, what to do."""

import re
from collections.abc import Iterable

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


def alarms(stacks: Iterable[Stack], prefix: str) -> list[dict[str, str]]:
    """What templates/alarms.html.j2 shows of each, those that page first.

    ``prefix`` begins their names. "figure" is the metric with its statistic, "taken" how its series
    become one value, "expression" CloudWatch's metric math where words would be too many.
    """
    found = [
        _alarm(properties, prefix)
        for stack in stacks
        for properties in stack.of_type("AWS::CloudWatch::Alarm").values()
    ]
    order = ("critical", "warning", UNKNOWN)
    return sorted(found, key=lambda alarm: order.index(alarm["severity"]))


def _alarm(properties: Document, prefix: str) -> dict[str, str]:
    name = properties["AlarmName"]
    said = _DESCRIPTION.match(properties.get("AlarmDescription", ""))
    words = said.groupdict("") if said else dict.fromkeys(_DESCRIPTION.groupindex, "")
    severity = _SEVERITY.search(name)
    queries = properties.get("Metrics", [])
    stats = [query["MetricStat"] for query in queries if "MetricStat" in query]
    period = max((one["Period"] for one in (*stats, properties) if "Period" in one), default=60)
    figure, taken, expression = _figure(properties, stats)
    return {
        "short": name.removeprefix(prefix),
        "severity": severity[1] if severity else UNKNOWN,
        "figure": figure,
        "taken": taken,
        "expression": expression,
        "condition": f"{_SIGNS[properties['ComparisonOperator']]} {properties['Threshold']:,.10g}",
        "lasting": _lasting(properties, period),
        "means": words["means"],
        "first": words["first"],
        "runbook": words["url"],
    }


def _lasting(properties: Document, period: int) -> str:
    periods = properties["EvaluationPeriods"]
    points = properties.get("DatapointsToAlarm", periods)
    each = counted(period // 60, "minute") if period % 60 == 0 else counted(period, "second")
    if points < periods:
        return f"{points} of the last {periods} times {each}"
    if periods == 1:
        return f"within {each}"
    return f"{periods} minutes in a row" if period == 60 else f"{periods} times {each} in a row"


def _figure(properties: Document, stats: list[Document]) -> tuple[str, str, str]:
    metrics = dict.fromkeys(f"{stat['Stat']} of {stat['Metric']['MetricName']}" for stat in stats)
    names = " and ".join(metrics)
    expressions = (query.get("Expression") for query in properties.get("Metrics", []))
    expression = next(filter(None, expressions), "")
    if not expression:
        return names or properties.get("MetricName", ""), "", ""
    if short := _SHORT.fullmatch(expression):
        return names, f"{_OF_ALL[short[1]]} of {len(stats)} series", ""
    return names, f"from {len(stats)} series", expression
