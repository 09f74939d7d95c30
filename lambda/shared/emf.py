"""Figures for alarms: one line of log in CloudWatch's embedded metric format.

Logs make metrics of it, so a function needs neither a permission nor a way to CloudWatch.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

NAMESPACE = "VibeWell/Redis"
DIMENSION = "ReplicationGroup"


def emitted(
    group_id: str, time: datetime, metrics: Mapping[str, float], properties: Mapping[str, Any]
) -> str:
    """The line; ``properties`` is text for people next to the metrics."""
    listed = [{"Name": name, "Unit": "None"} for name in metrics]
    directive = {"Namespace": NAMESPACE, "Dimensions": [[DIMENSION]], "Metrics": listed}
    about = {"Timestamp": int(time.timestamp() * 1000), "CloudWatchMetrics": [directive]}
    return json.dumps({"_aws": about, DIMENSION: group_id, **properties, **metrics})
