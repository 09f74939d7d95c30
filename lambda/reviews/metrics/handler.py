"""The function's entry: two weeks of figures and a week of alarms, and what of them matters."""

import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from functools import cache
from typing import Any

import boto3

from reviews.metrics.alarms import alarms
from reviews.metrics.findings import Review
from reviews.metrics.measures import PERIOD, Measure
from reviews.metrics.pages import report
from reviews.metrics.week import compared
from reviews.nodes import nodes
from reviews.series import read
from shared.boto_config import CALLS, no_debugging
from shared.report import Desk, desk
from shared.variable import document

WEEK = timedelta(days=7)


def handler(_event: object, _context: object) -> dict[str, Any]:
    """What was found. Raises what ``ask`` raises: then it has not run, and an alarm tells."""
    no_debugging()
    now, tools, out = datetime.now(UTC), clients(), _desk()
    measures = [Measure.read(one, out.group_id) for one in document(os.environ, "MEASURES")]
    prefix = os.environ["ALARM_PREFIX"]
    review, figures = week_of(tools, out.group_id, prefix, measures, now)
    made = report(review, figures)
    return out.deliver(made, now)


def week_of(
    tools: Mapping[str, Any],
    group_id: str,
    prefix: str,
    measures: Sequence[Measure],
    now: datetime,
) -> tuple[Review, dict[str, dict[datetime, float]]]:
    """The seven whole days in UTC before ``now``, and the figures of fourteen."""
    end = datetime.combine(now.date(), time(), UTC)
    start = end - WEEK
    names = nodes(tools["elasticache"], group_id)
    asked = [one for measure in measures for one in measure.asked(names)]
    found = read(tools["cloudwatch"], asked, start - WEEK, end, PERIOD)
    figures = {measure.name: measure.figures(names, found) for measure in measures}
    return (
        Review(
            group_id,
            prefix,
            start,
            end,
            [compared(measure, figures[measure.name], start) for measure in measures],
            alarms(tools["cloudwatch"], prefix, start, end, now),
        ),
        figures,
    )


@cache
def clients() -> dict[str, Any]:
    """Of this container, by service."""
    names = ("cloudwatch", "elasticache", "s3", "sns")
    return {name: boto3.client(name, config=CALLS) for name in names}


def _desk() -> Desk:
    return desk(clients()["s3"], clients()["sns"])
