"""Each deployed review finds what there is, tells the channel, and leaves its page."""

import re
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from rehearsal.common import functions
from rehearsal.common.deployed import token
from rehearsal.common.rehearsal import Rehearsal


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
    page = functions.review_page(deployed, "updates", datetime.now(UTC))
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
    assert "redis-20261125" in functions.review_page(
        deployed, "security-updates", datetime.now(UTC)
    )
    monthly, _ = reviewed(deployed, "updates")
    assert any(
        line.startswith("*redis-20261125*: critical security update") for line in monthly["lines"]
    )


@pytest.mark.plan("7.3")
def test_what_is_deployed_has_no_finding_and_every_resource_was_read(deployed: Rehearsal) -> None:
    found, (message,) = reviewed(deployed, "configuration")
    assert found["findings"] == 0, found["lines"]
    assert message["title"] == "Redis production: configuration of the week, nothing found"
    page = functions.review_page(deployed, "configuration", datetime.now(UTC))
    assert "checks passed" in page
    assert token(deployed) not in page
    counts = re.findall(r"0 drifted; (\d+) resources as the template asks", page)
    assert len(counts) == 3, "a line for each stack"
    assert min(int(count) for count in counts) > 10
    blind = " ".join(re.findall(r"CloudFormation cannot check \d+: ([^<]*)", page))
    for kind in ("ReplicationGroup", "ParameterGroup", "KMS::Key", "Alarm", "IAM::Role"):
        assert kind not in blind
