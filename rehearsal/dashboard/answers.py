"""What CloudWatch answers to the questions of the deployed dashboards."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from tools.report.recording import Metric, Series
from tools.report.widgets import metrics_of

_A_CALL = 500  # queries that one GetMetricData takes


def answers(cloudwatch: Any, began: int, ended: int) -> dict[Metric, Series]:
    """Every metric of the deployed dashboards between two moments, in seconds since the epoch."""
    asked = list(dict.fromkeys(_asked(cloudwatch)))
    found: dict[Metric, Series] = {metric: {} for metric in asked}
    for start in range(0, len(asked), _A_CALL):
        part = asked[start : start + _A_CALL]
        answer = cloudwatch.get_metric_data(
            MetricDataQueries=[_query(f"q{number}", one) for number, one in enumerate(part)],
            StartTime=datetime.fromtimestamp(began, UTC),
            EndTime=datetime.fromtimestamp(ended, UTC),
        )
        for result in answer["MetricDataResults"]:
            points = zip(result["Timestamps"], result["Values"], strict=True)
            metric = part[int(result["Id"].removeprefix("q"))]
            found[metric] = {int(at.timestamp()): value for at, value in points}
    return found


def _asked(cloudwatch: Any) -> Iterator[Metric]:
    for entry in cloudwatch.list_dashboards()["DashboardEntries"]:
        body = cloudwatch.get_dashboard(DashboardName=entry["DashboardName"])["DashboardBody"]
        for widget in json.loads(body)["widgets"]:
            yield from metrics_of(widget)


def _query(name: str, metric: Metric) -> dict[str, Any]:
    dimensions = [{"Name": key, "Value": value} for key, value in metric.dimensions]
    return {
        "Id": name,
        "MetricStat": {
            "Metric": {
                "Namespace": metric.namespace,
                "MetricName": metric.name,
                "Dimensions": dimensions,
            },
            "Period": metric.period,
            "Stat": metric.statistic,
        },
    }
