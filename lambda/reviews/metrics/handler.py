"""The function's entry: two weeks of figures and a week of alarms, and what of them matters."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any

from reviews.metrics.findings import Review, alarms
from reviews.metrics.measures import PERIOD, Measure, compared
from reviews.metrics.pages import report
from reviews.report import desk
from reviews.series import nodes, read
from shared.boto_config import client, no_debugging
from shared.variable import document

WEEK = timedelta(days=7)


def handler(_event: object, _context: object) -> dict[str, Any]:
    """What was found. Raises what ``ask`` raises: then it has not run, and an alarm fires."""
    no_debugging()
    now, to = datetime.now(UTC), desk()
    measures = [Measure.read(one, to.group_id) for one in document(os.environ, "MEASURES")]
    prefix = os.environ["ALARM_PREFIX"]
    review, figures = week_of(to.group_id, prefix, measures, now)
    return to.deliver(report(review, figures), now)


def week_of(
    group_id: str, prefix: str, measures: Sequence[Measure], now: datetime
) -> tuple[Review, dict[str, dict[datetime, float]]]:
    """The seven whole days in UTC before ``now``, and the figures of fourteen."""
    cloudwatch, end = client("cloudwatch"), datetime.combine(now.date(), time(), UTC)
    start = end - WEEK
    names = nodes(client("elasticache"), group_id)
    asked = [one for measure in measures for one in measure.asked(names)]
    found = read(cloudwatch, asked, start - WEEK, end, PERIOD)
    figures = {measure.name: measure.figures(names, found) for measure in measures}
    weeks = [compared(measure, figures[measure.name], start) for measure in measures]
    history = alarms(cloudwatch, prefix, start, end, now)
    return Review(group_id, prefix, start, end, weeks, history), figures
