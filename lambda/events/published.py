"""One line of log for each event, of which CloudWatch makes the metric that pages.

The channel's messages page nobody: PagerDuty takes the messages of alarms only.
"""

import json
from datetime import datetime

from events.kinds import kind_of
from events.message import Event

NAMESPACE = "VibeWell/Redis"
DIMENSION = "ReplicationGroup"
METRIC = "SeriousEvents"


def line(event: Event, group_id: str, now: datetime) -> str:
    """In CloudWatch's embedded metric format; the metric is 1 for what cannot wait, else 0."""
    kind = kind_of(event.name)
    about = {
        "Timestamp": int(now.timestamp() * 1000),
        "CloudWatchMetrics": [
            {
                "Namespace": NAMESPACE,
                "Dimensions": [[DIMENSION]],
                "Metrics": [{"Name": METRIC, "Unit": "Count"}],
            }
        ],
    }
    return json.dumps(
        {
            "_aws": about,
            DIMENSION: group_id,
            "event": event.name,
            "of": event.source,
            "says": event.rest,
            METRIC: int(kind is not None and kind.because is not None),
        }
    )
