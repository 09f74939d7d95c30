"""A report is stored, sent and counted, in an order in which nothing is lost; and the watch."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from constructs.alarms.metrics import OWN_DIMENSION, OWN_NAMESPACE
from drawing.page import page, paragraph, table
from emulator.aws.inbox import alarm_problem, custom_problem
from reviews import watch
from reviews.report import Report
from shared.errors import AwsRefusedError
from shared.notification import plain
from tests.lambda_reviews.world import BUCKET, Made, a_desk, body, keys, messages
from tests.support import Answering, Refusing

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
    assert alarm_problem(message) is not None, "a report must not page"
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


WATCHED = {
    "configuration": {"metric": "ConfigurationAgeDays", "function": "p-review-configuration"},
    "updates": {"metric": "UpdatesAgeDays", "function": "p-review-updates"},
}


def reports(**days: float) -> Answering:
    """A client of S3 that lists these objects; each was written so many days ago."""
    written = {key: datetime.now(UTC) - timedelta(days=age) for key, age in days.items()}

    def listed(Bucket: str, Prefix: str) -> dict[str, Any]:  # noqa: N803 - boto3's own names
        assert Bucket == BUCKET
        found = [key for key in written if key.startswith(Prefix)]
        contents = [{"Key": key, "LastModified": written[key]} for key in found]
        return {"Contents": contents} if found else {}

    return Answering(list_objects_v2=listed)


Ages = Callable[[Any], dict[str, float]]
Capsys = pytest.CaptureFixture[str]


@pytest.fixture
def functions() -> Answering:
    return Answering(invoke=None)


@pytest.fixture
def ages(monkeypatch: pytest.MonkeyPatch, functions: Answering) -> Ages:
    """What a pass publishes, given this S3."""
    monkeypatch.setenv("REPORTS_BUCKET", BUCKET)
    monkeypatch.setenv("REPLICATION_GROUP_ID", "g")
    monkeypatch.setenv("WATCHED", json.dumps(WATCHED))

    def run(s3: Any) -> dict[str, float]:
        monkeypatch.setattr(watch, "client", {"s3": s3, "lambda": functions}.__getitem__)
        return watch.handler({}, None)

    return run


@pytest.mark.plan("7.3")
def test_the_age_of_each_review_is_published(
    ages: Ages, functions: Answering, capsys: Capsys
) -> None:
    s3 = reports(**{"configuration/ran.json": 3, "updates/ran.json": 33.5})
    found = ages(s3)
    assert found == {
        "ConfigurationAgeDays": pytest.approx(3, abs=0.01),
        "UpdatesAgeDays": pytest.approx(33.5, abs=0.01),
    }
    line = json.loads(capsys.readouterr().out)
    assert {name: line[name] for name in found} == found
    assert functions.asked == [], "a late one is reported, and a person looks why"


def test_a_review_that_never_ran_is_run_and_is_as_old_as_can_be(
    ages: Ages, functions: Answering
) -> None:
    # A page without the note is a review that broke off.
    s3 = reports(**{"configuration/ran.json": 3, "updates/2026-11-01.html": 1})
    assert ages(s3)["UpdatesAgeDays"] == watch.NEVER
    ((_, call),) = functions.asked
    expected = {"FunctionName": "p-review-updates", "InvocationType": "Event"}
    assert call == expected | {"Payload": b'{"scheduled": true}'}


def test_a_store_that_cannot_be_asked_gives_no_age_and_runs_nothing(
    ages: Ages, functions: Answering, capsys: Capsys
) -> None:
    with pytest.raises(AwsRefusedError, match="AccessDenied"):
        ages(Refusing())
    assert capsys.readouterr().out == ""
    assert functions.asked == []


@pytest.mark.plan("3.3")
@pytest.mark.parametrize(
    ("now", "mark"),
    [
        (datetime(2026, 12, 1, 9, 0, tzinfo=UTC), 1),
        (datetime(2026, 12, 1, 9, 59, tzinfo=UTC), 1),
        (datetime(2026, 12, 1, 8, 59, tzinfo=UTC), 0),
        (datetime(2026, 12, 1, 10, 0, tzinfo=UTC), 0),
        (datetime(2026, 12, 8, 9, 30, tzinfo=UTC), 0),  # the second Tuesday
        (datetime(2026, 12, 2, 9, 30, tzinfo=UTC), 0),
    ],
)
def test_the_first_tuesdays_hour_is_marked_where_the_test_is_switched_on(
    now: datetime, mark: int, monkeypatch: pytest.MonkeyPatch, ages: Ages, capsys: Capsys
) -> None:
    class Clock(datetime):
        @classmethod
        def now(cls, _zone: Any = None) -> datetime:  # type: ignore[override]
            return now

    monkeypatch.setattr(watch, "datetime", Clock)
    s3 = reports(**{"configuration/ran.json": 3, "updates/ran.json": 3})
    ages(s3)
    assert watch.TEST_MARK not in json.loads(capsys.readouterr().out)
    monkeypatch.setenv("TEST_MONTHLY", "true")
    ages(s3)
    assert json.loads(capsys.readouterr().out)[watch.TEST_MARK] == mark
