"""What the channel reads, and where its link leads."""

import json
from datetime import timedelta
from typing import Any

import pytest

from recovery import handler
from recovery.report import notification, outcome
from tests.lambda_recovery.example import NOW, RUN, SETTINGS, VARIABLES, stubbed


def state(*, age: float = 7, minutes: float = 12, **more: Any) -> dict[str, Any]:
    """What the state machine has gathered; ``age`` is the snapshot's in hours."""
    created, at = NOW - timedelta(hours=age), NOW + timedelta(minutes=minutes)
    return {
        "chosen": {"snapshot": {"name": "automatic.one", "created": created.isoformat()}},
        "verified": {"at": at.isoformat(), "sentinels": 32, "keys": 1_000_032},
        **more,
    }


def said(gathered: dict[str, Any]) -> dict[str, Any]:
    message = json.loads(notification(outcome(gathered, RUN), SETTINGS, RUN))
    assert (message["version"], message["source"]) == ("1.0", "custom")
    content: dict[str, Any] = message["content"]
    return content


def test_a_test_that_passed_says_both_objectives_and_needs_no_next_step() -> None:
    content = said(state())
    assert content["title"] == ":white_check_mark: Recovery test passed: vibewell-redis"
    assert "7.0 h old at the start, within 24 h" in content["description"]
    assert "12.0 min, within 30 min" in content["description"]
    assert "32 sentinels of 32, in 1,000,032 keys" in content["description"]
    assert "*Left behind:* nothing" in content["description"]
    assert "nextSteps" not in content


@pytest.mark.parametrize(
    ("gathered", "words"),
    [
        (state(age=24.1), "24.1 h old at the start, MISSED: 24 h"),
        (state(minutes=30.1), "30.1 min, MISSED: 30 min"),
        (state(age=24, minutes=30), None),
    ],
)
def test_an_objective_that_was_missed_is_told_with_its_section(
    gathered: dict[str, Any], words: str | None
) -> None:
    content = said(gathered)
    assert (words or "within 30 min") in content["description"]
    steps = [f"Runbook: {SETTINGS.runbook_url}#recovery-objectives"] if words else None
    assert content.get("nextSteps") == steps


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        ('{"errorMessage": "one missing", "errorType": "SentinelsError"}', "E: one missing"),
        ("Task timed out", "E: Task timed out"),
        ("", "E: no reason given"),
    ],
)
def test_a_failure_is_told_in_words(cause: str, words: str) -> None:
    content = said({"failure": {"Error": "E", "Cause": cause}})
    assert content["title"] == ":rotating_light: Recovery test FAILED: vibewell-redis"
    assert content["description"].startswith(f"*Why:* {words}")
    assert content["nextSteps"][0].endswith("#recovery-failed")


def test_a_group_that_stays_fails_a_test_whose_data_was_good() -> None:
    gathered = state(stuck={"Error": "StillThereError", "Cause": "x is still deleting"})
    assert not outcome(gathered, RUN).passed
    content = said(gathered)
    assert "*Left behind:* StillThereError: x is still deleting" in content["description"]
    assert content["nextSteps"][0].endswith("#recovery-leftovers")


def test_a_report_is_published_as_metrics_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sns, answers = stubbed("sns")
    for _ in range(2):
        answers.add_response("publish", {"MessageId": "x"})
    monkeypatch.setattr(handler, "client", {"sns": sns}.__getitem__)
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    event = {"step": "report", "execution": RUN.execution, "started": NOW.isoformat()}
    passed = handler.handler(event | {"state": state()}, None)
    broken = handler.handler(event | {"state": {"failure": {"Error": "E", "Cause": "why"}}}, None)
    assert passed == {"passed": True, "point_seconds": 7 * 3600, "time_seconds": 12 * 60}
    assert broken == {"passed": False}
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert (first["RecoveryFailed"], second["RecoveryFailed"]) == (0, 1)
    assert (first["RecoveryPointHours"], first["RecoveryTimeMinutes"]) == (7, 12)
    assert second["recovery"] == "E: why"
    assert "RecoveryTimeMinutes" not in second
    answers.assert_no_pending_responses()


def test_a_test_that_broke_off_after_its_read_has_not_passed() -> None:
    assert not outcome(state(failure={"Error": "E", "Cause": "later"}), RUN).passed
