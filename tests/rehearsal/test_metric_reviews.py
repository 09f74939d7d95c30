"""The reviews of metrics, deployed: history in CloudWatch becomes a page and a message."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rehearsal.common import functions
from rehearsal.common.errors import eventually
from rehearsal.common.rehearsal import Rehearsal

pytestmark = pytest.mark.plan("7.2")

NODES = ("vibewell-redis-001", "vibewell-redis-002", "vibewell-redis-003")
DAYS = 60
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
A_CALL = 1000  # data that one PutMetricData takes
MEGABITS = 1e6 / 8 * 3600  # bytes of an hour at one megabit a second
SWAP = "vibewell-redis-production-swap-warning"


def midnight() -> datetime:
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def memory(day: int) -> float:
    """A percent that reaches 75 on the eightieth day: there are figures of sixty."""
    return 55 + 0.25 * day


def history() -> Iterator[tuple[str, str, datetime, float]]:
    """Metric, node, hour and value: what sixty days of production would have left."""
    start = midnight() - DAYS * DAY
    for hour in range(DAYS * 24):
        at, day = start + hour * HOUR, hour // 24
        # The primary holds the traffic, and after a failover another node does.
        busy = NODES[0] if day < 40 else NODES[1]
        for node in NODES:
            share = 1.0 if node == busy else 0.5
            yield "DatabaseMemoryUsagePercentage", node, at, memory(day) * share
            yield "EngineCPUUtilization", node, at, 30 * share
            yield "CPUUtilization", node, at, 20 * share
            yield "CurrConnections", node, at, 400 * share
            # Bytes are counted in each period, and the week is looked at by five minutes.
            parts = 12 if day >= DAYS - 8 else 1
            for part in range(parts):
                when, counted = at + part * HOUR / parts, MEGABITS * share / parts
                yield "NetworkBytesIn", node, when, 40 * counted
                yield "NetworkBytesOut", node, when, 300 * counted


@pytest.fixture(scope="module")
def lived(deployed: Rehearsal) -> Rehearsal:
    """The deployment after sixty days."""
    cloudwatch = deployed.aws("cloudwatch")
    data: list[dict[str, Any]] = [
        {
            "MetricName": metric,
            "Dimensions": [
                {"Name": "CacheClusterId", "Value": node},
                {"Name": "CacheNodeId", "Value": "0001"},
            ],
            "Timestamp": at,
            "Value": value,
        }
        for metric, node, at, value in history()
    ]
    for start in range(0, len(data), A_CALL):
        cloudwatch.put_metric_data(
            Namespace="AWS/ElastiCache", MetricData=data[start : start + A_CALL]
        )
    return deployed


def reviewed(rehearsal: Rehearsal, name: str) -> tuple[dict[str, Any], dict[str, Any], str]:
    """What the review answers, the one message that the channel shows, and the page."""
    since = time.time()
    found = functions.run_review(rehearsal, name)
    (message,) = functions.review_messages(rehearsal, since)
    return found, message, functions.review_page(rehearsal, name, datetime.now(UTC))


def test_the_month_says_when_memory_reaches_its_line(lived: Rehearsal) -> None:
    found, message, page = reviewed(lived, "capacity")
    on = midnight() - DAYS * DAY + 80 * DAY
    assert message["title"] == f"Redis production: {found['title']}"
    assert "2 need you" in message["title"]
    lines = message["description"].splitlines()
    assert lines[0].startswith(f"*Memory* crosses 75 % about {on.day} {on:%B %Y}. ")
    assert "Scale to cache.m6g.large, it stays online: 4.79 GiB usable" in lines[0]
    first = midnight() - DAYS * DAY
    assert lines[1].startswith(
        "*Network out* is above its warning line of 256 Mbit/s "
        f"since {first.day} {first:%B %Y}. Scale to"
    ), "all sixty days count"
    assert message["nextSteps"][0].endswith("|The whole report>")
    assert "docs/runbook.md#review-capacity|" in message["nextSteps"][1]
    assert page.count("<svg") == 6, "a plot for each measure"


def test_the_week_says_which_alarm_is_on_and_what_is_closest_to_its_line(lived: Rehearsal) -> None:
    cloudwatch = lived.aws("cloudwatch")
    state = {"AlarmName": SWAP, "StateReason": "a rehearsal"}
    cloudwatch.set_alarm_state(**state, StateValue="ALARM")
    try:
        found, message, page = reviewed(lived, "metrics")
    finally:
        cloudwatch.set_alarm_state(**state, StateValue="OK")
    assert message["title"] == f"Redis production: {found['title']}"
    assert "*swap-warning* is on now." in found["lines"]
    assert "*Network out* was above 256 Mbit/s for 100 % of the week." in found["lines"]
    # Which it is depends on what other tests have put into the session's CloudWatch.
    assert found["lines"][-1].startswith("Closest to its line: ")
    assert "docs/runbook.md#review-metrics|" in message["nextSteps"][1]
    assert '<svg class="spark"' in page
    # Alarms that were made after the week was over were not blind in it.
    assert not [line for line in found["lines"] if "had no data for" in line]


@pytest.mark.parametrize("name", ["metrics", "capacity"])
def test_the_schedule_of_a_review_leads_to_a_message(lived: Rehearsal, name: str) -> None:
    since = time.time()
    functions.fire(lived.aws, f"{functions.REVIEW}{name}")

    def told() -> bool:
        words = {"metrics": "metrics, ", "capacity": "capacity, "}[name]
        shown = [one["title"] for one in functions.review_messages(lived, since)]
        return any(title.startswith(f"Redis production: {words}") for title in shown)

    eventually(told, f"the message of {name}", 240)
