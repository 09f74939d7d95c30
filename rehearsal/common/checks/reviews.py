"""A deployed review, run as its schedule runs it."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from rehearsal.common.checks.expecting import expect_that
from rehearsal.common.deployed import only, resources
from rehearsal.common.rehearsal import Rehearsal

PREFIX = "vibewell-redis-production-review-"
TITLE = "Redis production: "


def check(rehearsal: Rehearsal) -> str:
    """Every review makes its report and tells the channel, and the watch knows that it ran."""
    names = [name for name in functions(rehearsal) if name != "watch"]
    found = {name: run(rehearsal, name) for name in names}
    wrong = found["configuration"]["lines"] if found["configuration"]["findings"] else []
    expect_that(not wrong, f"what was just deployed is not as the templates ask: {wrong}")
    ages = run(rehearsal, "watch")
    late = {metric: age for metric, age in ages.items() if age > 1}
    expect_that(not late, f"the watch does not know that a review ran: {late}")
    expect_that(len(ages) == len(names), f"{len(ages)} of {len(names)} reviews are watched")
    return f"{len(names)} reviews ran: {', '.join(sorted(names))}"


def functions(rehearsal: Rehearsal) -> Iterator[str]:
    """What follows the common beginning of their names."""
    for found in resources(rehearsal, "AWS::Lambda::Function"):
        if found.physical_id.startswith(PREFIX):
            yield found.physical_id.removeprefix(PREFIX)


def run(rehearsal: Rehearsal, name: str) -> dict[str, Any]:
    """What one invocation answers with."""
    answer = rehearsal.aws("lambda").invoke(
        FunctionName=f"{PREFIX}{name}", Payload=b'{"scheduled": true}'
    )
    told: dict[str, Any] = json.load(answer["Payload"])
    expect_that("FunctionError" not in answer, f"review {name} broke off: {told}")
    return told


def messages(rehearsal: Rehearsal, since: float) -> list[dict[str, Any]]:
    """What reviews told the channel since then; ElastiCache's own events are called otherwise."""
    shown = (
        json.loads(one["message"])
        for one in rehearsal.ask("messages")
        if one["shown"] and one["service"] == "slack" and one["time"] >= since
    )
    contents = [message["content"] for message in shown if message.get("source") == "custom"]
    return [content for content in contents if content["title"].startswith(TITLE)]


def page(rehearsal: Rehearsal, name: str, day: datetime) -> str:
    """A report's HTML."""
    bucket = only(rehearsal, "AWS::S3::Bucket").physical_id
    kept = rehearsal.aws("s3").get_object(Bucket=bucket, Key=f"{name}/{day:%Y-%m-%d}.html")
    text: str = kept["Body"].read().decode()
    return text
