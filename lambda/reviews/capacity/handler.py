"""The function's entry: reads the hours of up to 90 days, and reports when each line is reached."""

import json
import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any

from reviews.capacity.forecast import HOUR, Forecast, Line, Measure, daily_peaks, measured, outlook
from reviews.capacity.pages import report
from reviews.report import desk
from reviews.series import nodes, of_node, read
from shared.boto_config import client, no_debugging

DAYS = 90


def handler(_event: object, _context: object) -> dict[str, Any]:
    """What was found. Raises what ``ask`` raises: then it has not run, and an alarm fires."""
    no_debugging()
    now, to = datetime.now(UTC), desk()
    wanted = measured(json.loads(os.environ["LINES"]))
    found = list(forecasts(client("cloudwatch"), client("elasticache"), to.group_id, wanted, now))
    return to.deliver(report(to.group_id, found, now.date()), now)


def forecasts(
    cloudwatch: Any,
    elasticache: Any,
    group_id: str,
    wanted: Sequence[tuple[Measure, Line]],
    now: datetime,
) -> Iterator[Forecast]:
    """Of each measure and its line, over whole days in UTC until the last midnight."""
    today = now.date()
    end, names = datetime.combine(today, time(), UTC), nodes(elasticache, group_id)
    asked = {
        measure: [of_node(measure.metric, name, measure.statistic) for name in names]
        for measure, _ in wanted
    }
    every = [one for several in asked.values() for one in several]
    found = read(cloudwatch, every, end - timedelta(days=DAYS), end, HOUR)
    for measure, line in wanted:
        peaks = daily_peaks(measure, [found[one] for one in asked[measure]])
        yield Forecast(measure, line, peaks, outlook(peaks, line.warning), today)
