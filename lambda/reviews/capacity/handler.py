"""The function's entry: reads the hours of up to 90 days, and reports when each line is reached."""

import json
import os
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any

import boto3

from reviews.capacity.forecast import Forecast
from reviews.capacity.measures import HOUR, MEASURES, Line, daily_peaks, lines, measured
from reviews.capacity.outlook import outlook
from reviews.capacity.pages import report
from reviews.nodes import nodes
from reviews.series import of_node, read
from shared.boto_config import CALLS, no_debugging
from shared.report import Desk, desk

DAYS = 90


def handler(_event: object, _context: object) -> dict[str, Any]:
    """What was found. Raises what ``ask`` raises: then it has not run, and an alarm tells."""
    no_debugging()
    now, tools, out = datetime.now(UTC), clients(), _desk()
    handed = lines(json.loads(os.environ["LINES"]))
    found = list(forecasts(tools["cloudwatch"], tools["elasticache"], out.group_id, handed, now))
    made = report(out.group_id, found, now.date())
    return out.deliver(made, now)


def forecasts(
    cloudwatch: Any, elasticache: Any, group_id: str, handed: dict[str, Line], now: datetime
) -> Iterator[Forecast]:
    """Every measure that has a line, over whole days in UTC until the last midnight."""
    today = now.date()
    end = datetime.combine(today, time(), UTC)
    names, wanted = nodes(elasticache, group_id), measured(MEASURES, handed)
    asked = {
        measure: [of_node(measure.metric, name, measure.statistic) for name in names]
        for measure, _ in wanted
    }
    every = [one for several in asked.values() for one in several]
    found = read(cloudwatch, every, end - timedelta(days=DAYS), end, HOUR)
    for measure, line in wanted:
        peaks: dict[date, float] = daily_peaks(measure, [found[one] for one in asked[measure]])
        yield Forecast(measure, line, peaks, outlook(peaks, line.warning), today)


@cache
def clients() -> dict[str, Any]:
    """Of this container, by service."""
    names = ("cloudwatch", "elasticache", "s3", "sns")
    return {name: boto3.client(name, config=CALLS) for name in names}


def _desk() -> Desk:
    return desk(clients()["s3"], clients()["sns"])
