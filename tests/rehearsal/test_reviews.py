"""Each deployed review finds what there is, tells the channel, and leaves its page."""

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rehearsal.common import functions
from rehearsal.common.deployed import token
from rehearsal.common.errors import eventually
from rehearsal.common.rehearsal import Rehearsal
from tests.rehearsal import by_hand


def reviewed(rehearsal: Rehearsal, name: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What the review answers, and the messages that it sent."""
    since = time.time()
    found = functions.run_review(rehearsal, name)
    return found, functions.review_messages(rehearsal, since)


@pytest.mark.plan("7.1")
def test_the_month_is_told_with_the_price_of_staying(deployed: Rehearsal) -> None:
    found, (message,) = reviewed(deployed, "updates")
    assert message["title"] == f"Redis production: {found['title']}"
    assert "Runs Redis 6.2.6; offered: Redis 7.1.0" in message["description"]
    assert "leaves standard support on 2027-01-31" in message["description"]
    assert "$119 per month on top of $149 (+80 %)" in message["description"]
    assert message["nextSteps"][0].startswith("<https://us-east-1.console.aws.amazon.com/s3/object")
    page = functions.review_page(deployed, "updates")
    assert "from 2029-02-01 $238 per month on top" in page


@pytest.mark.plan("7.1")
def test_a_security_update_is_told_once_the_day_it_is_published(deployed: Rehearsal) -> None:
    before, _ = reviewed(deployed, "security-updates")  # other tests leave some
    deployed.ask("publish_service_update", name="redis-20261125", severity="critical")
    found, (message,) = reviewed(deployed, "security-updates")
    assert message["title"] == "Redis production: a security update waits to be applied at once"
    assert "*redis-20261125*: critical security update, by " in message["description"]
    assert "0/3 nodes" in message["description"]
    assert found["findings"] == before["findings"] + 1
    again, silent = reviewed(deployed, "security-updates")
    assert (again["findings"], silent) == (found["findings"], [])
    assert "redis-20261125" in functions.review_page(deployed, "security-updates")
    monthly, _ = reviewed(deployed, "updates")
    assert any(
        line.startswith("*redis-20261125*: critical security update") for line in monthly["lines"]
    )


@pytest.mark.plan("7.3")
def test_what_is_deployed_has_no_finding_and_every_resource_was_read(deployed: Rehearsal) -> None:
    found, (message,) = reviewed(deployed, "configuration")
    assert found["findings"] == 0, found["lines"]
    assert message["title"] == "Redis production: configuration of the week, nothing found"
    page = functions.review_page(deployed, "configuration")
    assert "checks passed" in page
    assert token(deployed) not in page
    counts = re.findall(r"0 drifted; (\d+) resources as the template asks", page)
    assert len(counts) == 3, "a line for each stack"
    assert min(int(count) for count in counts) > 10
    blind = " ".join(re.findall(r"CloudFormation cannot check \d+: ([^<]*)", page))
    for kind in ("ReplicationGroup", "ParameterGroup", "KMS::Key", "Alarm", "IAM::Role"):
        assert kind not in blind


@pytest.mark.plan("7.3")
def test_what_was_changed_by_hand_is_found_and_is_in_the_channel(deployed: Rehearsal) -> None:
    with by_hand.changed(deployed) as expected:
        answer, (message,) = reviewed(deployed, "configuration")
    assert functions.run_review(deployed, "configuration")["findings"] == 0, "all of it was undone"

    lines, findings = answer["lines"], answer["findings"]
    assert [says for says in expected if not any(says in line for line in lines)] == [], lines
    assert findings >= len(expected) == 14
    title = f"Redis production: configuration of the week, {findings} findings"
    assert message["title"] == title
    shown = message["description"].splitlines()
    assert len(shown) == 8
    assert shown[-1] == f"… and {findings - 7} more in the report"
    assert token(deployed) not in f"{answer} {message}"


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


@pytest.mark.plan("7.2")
def test_the_month_says_when_memory_reaches_its_line(lived: Rehearsal) -> None:
    found, (message,) = reviewed(lived, "capacity")
    page = functions.review_page(lived, "capacity")
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


@pytest.mark.plan("7.2")
def test_the_week_says_which_alarm_is_on_and_what_is_closest_to_its_line(lived: Rehearsal) -> None:
    cloudwatch = lived.aws("cloudwatch")
    state = {"AlarmName": SWAP, "StateReason": "a rehearsal"}
    cloudwatch.set_alarm_state(**state, StateValue="ALARM")
    try:
        found, (message,) = reviewed(lived, "metrics")
    finally:
        cloudwatch.set_alarm_state(**state, StateValue="OK")
    assert message["title"] == f"Redis production: {found['title']}"
    assert "*swap-warning* is on now." in found["lines"]
    assert "*Network out* was above 256 Mbit/s for 100 % of the week." in found["lines"]
    # Which it is depends on what other tests have put into the session's CloudWatch.
    assert found["lines"][-1].startswith("Closest to its line: ")
    assert "docs/runbook.md#review-metrics|" in message["nextSteps"][1]
    assert '<svg class="spark"' in functions.review_page(lived, "metrics")
    # Alarms that were made after the week was over were not blind in it.
    assert not [line for line in found["lines"] if "had no data for" in line]


@pytest.mark.plan("7.2")
@pytest.mark.parametrize("name", ["metrics", "capacity"])
def test_the_schedule_of_a_review_leads_to_a_message(lived: Rehearsal, name: str) -> None:
    since = time.time()
    functions.fire(lived.aws, f"{functions.REVIEW}{name}")

    def told() -> bool:
        shown = [one["title"] for one in functions.review_messages(lived, since)]
        return any(title.startswith(f"Redis production: {name}, ") for title in shown)

    eventually(told, f"the message of {name}", 240)
