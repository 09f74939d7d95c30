"""``make run-review``: what people read, and the exit status."""

import io
import json
from types import SimpleNamespace
from typing import Any

import pytest

from tools import run_review as review

MADE = {
    "title": "updates of the month, 1 update to apply",
    "lines": ["one", "two"],
    "findings": 1,
    "report": "https://example.com/report",
}


class Client:
    """A client of Lambda that gives this answer, or raises it."""

    class exceptions:  # noqa: N801 - as boto3 calls it
        class ResourceNotFoundException(Exception):  # noqa: N818 - as boto3 calls it
            pass

        class TooManyRequestsException(Exception):  # noqa: N818 - as boto3 calls it
            pass

    def __init__(self, told: object, **besides: str) -> None:
        self._told, self._besides = told, besides

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803
        assert (FunctionName, Payload) == ("vibewell-redis-production-review-updates", b"{}")
        if isinstance(self._told, type):
            raise self._told
        return {"Payload": io.BytesIO(json.dumps(self._told).encode()), **self._besides}


@pytest.mark.plan("7.1", "7.3")
@pytest.mark.parametrize(
    ("client", "status", "says"),
    [
        (Client(MADE), 0, "Report: https://example.com/report"),
        (Client({**MADE, "report": None}), 0, "Nothing to tell"),
        (
            Client({"errorMessage": "AWS refused to x"}, FunctionError="Unhandled"),
            1,
            "refused to x",
        ),
        (Client(None), 1, "broke off"),
        (Client(Client.exceptions.ResourceNotFoundException), 1, "Deploy the environment first"),
        (Client(Client.exceptions.TooManyRequestsException), 1, "is running already"),
    ],
)
def test_only_a_report_that_was_made_is_a_success(
    client: Client,
    status: int,
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    account = SimpleNamespace(client=lambda *_args, **_options: client)
    monkeypatch.setattr("tools.run_review.session", lambda _settings: account)
    assert review.main(["production", "updates"]) == status
    printed = capsys.readouterr()
    assert says in (printed.err if status else printed.out)


@pytest.mark.parametrize("arguments", [[], ["production"], ["production", "upgrades"]])
def test_a_command_that_names_no_review_says_which_there_are(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert review.main(arguments) == 2
    assert "security-updates" in capsys.readouterr().err


def test_an_environment_that_is_not_there_is_said_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert review.main(["nowhere", "updates"]) == 1
    assert "nowhere" in capsys.readouterr().err
