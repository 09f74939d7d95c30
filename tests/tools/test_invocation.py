"""A function of ours that a command invokes: what people read of its answer, and the status."""

from typing import Any

import pytest

from constructs.common.idle_functions import NOT_READY, TIMES
from tests.support import ROOT
from tests.tools.account import Case, Run
from tools import health, run_review

INVOKE = "lambda:Invoke"
MADE = {
    "title": "updates of the month, 1 update to apply",
    "lines": ["one", "two"],
    "findings": 1,
    "report": "https://example.com/report",
}


def document(*, passed: bool) -> dict[str, Any]:
    checks = [
        {"name": "login: primary", "passed": True, "found": "open", "wanted": "open", "todo": "x"},
        {
            "name": "group: nodes",
            "passed": passed,
            "found": "2",
            "wanted": "3",
            "todo": "https://example.com/runbook.md#health-group",
        },
    ]
    return {"group": "vibewell-redis", "time": "now", "passed": passed, "checks": checks}


def invoked(run: Run, command: str, *answers: Any) -> Any:
    case = {
        "health": Case(health.main, "production", ""),
        "review-updates": Case(run_review.main, "production updates", ""),
    }[command]
    return run(case._replace(answers={INVOKE: list(answers)}))


@pytest.mark.plan("2.4", "7.1", "7.3")
@pytest.mark.parametrize(
    ("command", "answer", "status", "says"),
    [
        ("health", document(passed=True), 0, "2 checks passed"),
        ("health", document(passed=False), 1, "1 of 2 checks failed"),
        ("health", {"errorMessage": "x", "FunctionError": "Unhandled"}, 1, "broke off: x"),
        ("health", {"passed": True, "checks": []}, 1, "broke off"),
        ("health", "ResourceNotFoundException", 1, "Deploy the environment first"),
        ("review-updates", MADE, 0, "Report: https://example.com/report"),
        ("review-updates", {**MADE, "report": None}, 0, "Nothing to report"),
        ("review-updates", {"errorMessage": "no", "FunctionError": "Unhandled"}, 1, "broke off"),
        ("review-updates", None, 1, "broke off"),
        ("review-updates", {}, 1, "broke off"),
        ("review-updates", "ResourceNotFoundException", 1, "Deploy the environment first"),
        ("review-updates", "TooManyRequestsException", 1, "is running already"),
    ],
)
def test_only_a_document_that_passed_is_a_success(
    command: str, answer: Any, status: int, says: str, run: Run
) -> None:
    ended = invoked(run, command, answer)
    assert ended.status == status
    assert says in ended.said
    assert ended.request(INVOKE) == {
        "FunctionName": f"vibewell-redis-production-{command}",
        "Payload": b"{}",
    }


def test_a_failed_line_says_what_was_wanted_and_what_to_do() -> None:
    text = "\n".join(health.table(document(passed=False)))
    assert "✗ group: nodes    2" in text
    assert "wanted: 3" in text
    assert "to do:  https://example.com/runbook.md#health-group" in text


@pytest.mark.plan("2.4")
def test_a_deployment_ends_with_the_health_check() -> None:
    recipe = (ROOT / "Makefile").read_text().split("\ndeploy:")[1].split("\n\n")[0]
    assert recipe.splitlines()[-1] == "\t@python -m tools.health $(ENV)"


@pytest.mark.parametrize("arguments", [["production"], ["production", "upgrades"]])
def test_a_command_that_names_no_review_says_which_there_are(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_review.main(arguments) == 2
    assert "security-updates" in capsys.readouterr().err


@pytest.mark.parametrize("code", NOT_READY)
def test_one_that_was_not_called_for_weeks_is_called_again_until_it_is_ready(
    run: Run, code: str
) -> None:
    ended = invoked(run, "health", code, code, document(passed=True))
    assert (ended.status, ended.slept) == (0, [20.0, 26.0])
    assert f"production-health wakes up ({code})" in ended.said


def test_one_that_is_never_ready_is_given_up_after_ten_minutes(run: Run) -> None:
    ended = invoked(run, "health", "ENINotReadyException")
    assert "Lambda does not make vibewell-redis-production-health ready: ENINotReady" in ended.said
    assert (ended.status, len(ended.slept)) == (1, TIMES)


@pytest.mark.parametrize("code", ["AccessDeniedException", "CodeArtifactUserFailedException"])
def test_what_waiting_does_not_fix_is_said_at_once(run: Run, code: str) -> None:
    ended = invoked(run, "health", code)
    assert code in ended.said
    assert (ended.status, ended.slept) == (1, [])
