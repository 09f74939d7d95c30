"""The watch tells how old each review is, and runs one that never ran."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reviews import watch
from shared.errors import AwsRefusedError
from tests.support import Answering, Refusing

WATCHED = {
    "configuration": {"metric": "ConfigurationAgeDays", "function": "p-review-configuration"},
    "updates": {"metric": "UpdatesAgeDays", "function": "p-review-updates"},
}


def reports(**days: float) -> Answering:
    """A client of S3 that lists these objects; each was written so many days ago."""

    def listed(Bucket: str, Prefix: str) -> dict[str, Any]:  # noqa: N803 - boto3's own names
        assert Bucket == "reports"
        found = [
            {"Key": key, "LastModified": datetime.now(UTC) - timedelta(days=age)}
            for key, age in days.items()
            if key.startswith(Prefix)
        ]
        return {"Contents": found} if found else {}

    return Answering(list_objects_v2=listed)


Ages = Callable[[Any], dict[str, float]]
Capsys = pytest.CaptureFixture[str]


@pytest.fixture
def functions() -> Answering:
    return Answering(invoke=None)


@pytest.fixture
def ages(monkeypatch: pytest.MonkeyPatch, functions: Answering) -> Ages:
    """What a pass publishes, given this S3."""
    monkeypatch.setenv("REPORTS_BUCKET", "reports")
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
    assert functions.asked == [], "one that is late is told of, and a person looks why"


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
