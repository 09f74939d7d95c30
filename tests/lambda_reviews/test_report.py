"""A report is kept, told and counted, in an order in which nothing is lost."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from constructs.alarms.metrics import OWN_DIMENSION, OWN_NAMESPACE
from drawing.page import page, paragraph, table
from emulator.aws.inbox import alarm_problem, custom_problem
from reviews.report import Report
from shared.errors import AwsRefusedError
from shared.notification import plain
from tests.lambda_reviews.world import BUCKET, Made, a_desk, body, keys, messages
from tests.support import Refusing

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)


@pytest.fixture
def made() -> Iterator[Made]:
    with a_desk() as found:
        yield found


def report(**changes: Any) -> Report:
    default = {
        "title": "configuration, 2 findings",
        "lines": ["One thing", "Another"],
        "page": page("Configuration", "of production", [paragraph("All of it.")]),
        "findings": 2,
        "section": "review-configuration",
    }
    return Report(**{**default, **changes})


@pytest.mark.plan("7.2", "7.3")
def test_a_report_is_kept_told_and_counted(made: Made, capsys: pytest.CaptureFixture[str]) -> None:
    desk, s3, topic = made
    address = desk.deliver(report(), NOW)["report"]
    assert keys(s3) == ["configuration/2026-11-23.html", "configuration/ran.json"]
    kept = s3.get_object(Bucket=BUCKET, Key="configuration/2026-11-23.html")
    assert kept["ContentType"] == "text/html; charset=utf-8"
    assert "All of it." in kept["Body"].read().decode()
    # Not signed: the console asks whoever follows it to sign in.
    assert address == (
        "https://us-east-1.console.aws.amazon.com/s3/object/reports"
        "?region=us-east-1&prefix=configuration%2F2026-11-23.html"
    )
    (message,) = messages(topic)
    assert custom_problem(message) is None
    assert alarm_problem(message) is not None, "a report must page nobody"
    content = json.loads(message)["content"]
    assert content["title"] == "Redis production: configuration, 2 findings"
    assert content["description"] == "One thing\nAnother"
    assert content["nextSteps"] == [
        f"<{address}|The whole report>",
        "<https://example.com/runbook.md#review-configuration|What to do>",
    ]
    line = json.loads(capsys.readouterr().out)
    (about,) = line["_aws"]["CloudWatchMetrics"]
    assert about["Namespace"] == OWN_NAMESPACE
    assert (line["ReviewConfigurationFindings"], line[OWN_DIMENSION]) == (2, "g")
    assert json.loads(body(s3, "configuration/ran.json")) == {
        "findings": 2,
        "time": "2026-11-23T08:00:00+00:00",
    }


def test_a_report_that_nobody_was_told_of_has_not_run(made: Made) -> None:
    desk, s3, _ = made
    desk.sns = Refusing("KMSAccessDeniedException")
    with pytest.raises(AwsRefusedError, match="refused Publish"):
        desk.deliver(report(), NOW)
    assert keys(s3) == ["configuration/2026-11-23.html"]


def test_a_report_that_was_not_kept_is_not_told(made: Made) -> None:
    desk, s3, topic = made
    s3.delete_bucket(Bucket=BUCKET)
    with pytest.raises(AwsRefusedError, match="NoSuchBucket"):
        desk.deliver(report(), NOW)
    assert messages(topic) == []


def test_what_others_wrote_stays_text() -> None:
    nasty = "<script>alert(1)</script>\"'&"
    whole = page(nasty, nasty, [paragraph(nasty), table(["a", nasty], [["b", nasty]], ["bad"])])
    assert "<script" not in whole
    assert whole.count("&lt;script&gt;") == 7
    assert plain("<!channel> & co") == "&lt;!channel&gt; &amp; co"


def test_the_page_asks_the_network_for_nothing() -> None:
    whole = page("t", "a", [])
    assert "default-src 'none'" in whole
    assert not [one for one in ("http://", "https://", "url(") if one in whole]
