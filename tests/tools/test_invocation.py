"""A function of ours that a command invokes: what people read of its answer, and the status."""

import io
import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.response import StreamingBody
from botocore.stub import Stubber

from constructs.common.idle_functions import NOT_READY, TIMES
from tests.support import ROOT
from tools import health, run_review
from tools.command import Answer
from tools.invocation import invoke

READY = {"title": "made"}
MADE = {
    "title": "updates of the month, 1 update to apply",
    "lines": ["one", "two"],
    "findings": 1,
    "report": "https://example.com/report",
}
Invoked = Callable[..., Any]


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


@pytest.fixture
def client() -> Any:
    return boto3.client("lambda", "us-east-1", config=Config(retries={"total_max_attempts": 1}))


@pytest.fixture
def answers(client: Any) -> Invoked:
    """Have Lambda answer with these, each an error's code or what the function returned."""
    stub = Stubber(client)
    stub.activate()

    def run(function: str, *answers: Any, **besides: str) -> None:
        for answer in answers:
            if isinstance(answer, str):
                stub.add_client_error("invoke", answer)
            else:
                body = json.dumps(answer).encode()
                payload = StreamingBody(io.BytesIO(body), len(body))
                asked = {"FunctionName": function, "Payload": b"{}"}
                stub.add_response("invoke", {"Payload": payload, **besides}, asked)

    return run


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
        ("review-updates", "ResourceNotFoundException", 1, "Deploy the environment first"),
        ("review-updates", "TooManyRequestsException", 1, "is running already"),
    ],
)
def test_only_a_document_that_passed_is_a_success(
    client: Any,
    answers: Invoked,
    command: str,
    answer: Any,
    status: int,
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    besides = {}
    if isinstance(answer, dict) and "FunctionError" in answer:
        besides = {"FunctionError": answer["FunctionError"]}
    answers(f"vibewell-redis-production-{command}", answer, **besides)
    account = SimpleNamespace(client=lambda *_arguments, **_options: client)
    for module in (health, run_review):
        monkeypatch.setattr(module, "session", lambda _settings: account)
    ended = (
        health.main(["production"])
        if command == "health"
        else run_review.main(["production", "updates"])
    )
    assert ended == status
    told = capsys.readouterr()
    assert says in told.out + told.err


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


def called(client: Any) -> tuple[dict[str, Any], list[float]]:
    """What the function returns in the end, and the pauses before."""
    pauses: list[float] = []
    found = invoke(client, "f", command="c", answers_with="title", pause=pauses.append)
    return found, pauses


@pytest.mark.parametrize("code", NOT_READY)
def test_one_that_nobody_called_for_weeks_is_called_again_until_it_is_ready(
    client: Any, answers: Invoked, code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    answers("f", code, code, READY)
    assert called(client) == (READY, [20.0, 26.0])
    assert f"f wakes up ({code})" in capsys.readouterr().err


def test_one_that_is_never_ready_is_given_up_after_ten_minutes(
    client: Any, answers: Invoked
) -> None:
    answers("f", *["ENINotReadyException"] * (TIMES + 1))
    with pytest.raises(Answer, match="c: Lambda does not make f ready: ENINotReadyException"):
        called(client)


@pytest.mark.parametrize("code", ["AccessDeniedException", "CodeArtifactUserFailedException"])
def test_what_waiting_does_not_cure_is_told_at_once(
    client: Any, answers: Invoked, code: str
) -> None:
    answers("f", code)
    with pytest.raises(ClientError, match=code):
        called(client)
