"""``make health``: the table that people read, and the exit status that fails a deployment."""

import io
import json
from types import SimpleNamespace
from typing import Any

import pytest

from tests.support import ROOT
from tools import health


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


class Client:
    """A client of Lambda that gives this answer."""

    class exceptions:  # noqa: N801 - as boto3 calls it
        class ResourceNotFoundException(Exception):  # noqa: N818 - as boto3 calls it
            pass

    def __init__(self, told: object, **besides: str) -> None:
        self._answer = (
            None if told is None else {"Payload": io.BytesIO(json.dumps(told).encode()), **besides}
        )

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803
        assert (FunctionName, Payload) == ("vibewell-redis-production-health", b"{}")
        if self._answer is None:
            raise self.exceptions.ResourceNotFoundException
        return self._answer


@pytest.mark.plan("2.4")
@pytest.mark.parametrize(
    ("client", "status", "says"),
    [
        (Client(document(passed=True)), 0, "2 checks passed"),
        (Client(document(passed=False)), 1, "1 of 2 checks failed"),
        (Client({"errorMessage": "x"}, FunctionError="Unhandled"), 1, "broke off"),
        (Client({"passed": True, "checks": []}), 1, "broke off"),
        (Client(None), 1, "Deploy the environment first"),
    ],
)
def test_only_a_document_that_passed_is_a_success(
    client: Client,
    status: int,
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    account = SimpleNamespace(client=lambda *_args, **_options: client)
    monkeypatch.setattr("tools.health.session", lambda _settings: account)
    assert health.main(["production"]) == status
    told = capsys.readouterr()
    assert says in told.out + told.err


def test_a_failed_line_says_what_was_wanted_and_what_to_do() -> None:
    text = "\n".join(health.table(document(passed=False)))
    assert "✗ group: nodes    2" in text
    assert "wanted: 3" in text
    assert "to do:  https://example.com/runbook.md#health-group" in text


@pytest.mark.parametrize(("arguments", "status"), [([], 2), (["nowhere"], 1)])
def test_an_environment_that_is_not_there_gets_one_message(
    arguments: list[str], status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert health.main(arguments) == status
    assert capsys.readouterr().err


@pytest.mark.plan("2.4")
def test_a_deployment_ends_with_the_health_check() -> None:
    recipe = (ROOT / "Makefile").read_text().split("\ndeploy:")[1].split("\n\n")[0]
    assert recipe.splitlines()[-1] == "\t@python -m tools.health $(ENV)"
