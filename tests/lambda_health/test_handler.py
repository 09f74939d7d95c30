"""The document, what is published, and what becomes of a call that AWS refuses."""

import io
import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from health import handler
from health.handler import check, document, published
from health.probe import LOGIN
from shared.line import Line
from tests.lambda_health.world import DESIRED, NOW, Answers
from tests.support import Refusing

pytestmark = pytest.mark.plan("2.4")

TOLD = [Line("login: primary", True, "open", "open", LOGIN).document()]


class Lambda:
    """The function within the VPC, which answers this."""

    def __init__(self, told: object, **besides: str) -> None:
        self.asked: list[Any] = []
        self._answer = {"Payload": io.BytesIO(json.dumps(told).encode()), **besides}

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803
        assert FunctionName == "inside"
        self.asked.append(json.loads(Payload))
        return self._answer


class BreaksOff(Lambda):
    """The answer begins and does not end."""

    def __init__(self) -> None:
        class Payload:
            def read(self) -> bytes:
                raise ReadTimeoutError(endpoint_url="hush")

        super().__init__(None)
        self._answer = {"Payload": Payload()}


def lines(lambda_: Any = None, aws: Any = None) -> list[Line]:
    clients = {"lambda": lambda_ or Lambda(TOLD)}
    return list(check(DESIRED, lambda name: clients.get(name) or aws or Answers(), "inside", NOW))


def test_a_healthy_deployment_passes_with_a_line_a_check() -> None:
    found = document(DESIRED, lines(), NOW)
    assert found["passed"] is True
    assert {"group: Status", "parameter timeout", "login: primary"} <= {
        check["name"] for check in found["checks"]
    }
    for one in found["checks"]:
        assert one["todo"].startswith("https://example.com/runbook.md#health-")


def test_what_aws_refuses_to_say_fails_and_the_rest_is_checked() -> None:
    found = document(DESIRED, lines(aws=Refusing()), NOW)
    failed = {one["name"] for one in found["checks"] if not one["passed"]}
    assert failed == {"group", "user", "parameters", "alarms", "topics"}
    assert found["passed"] is False
    assert "hush" not in json.dumps(found)


@pytest.mark.parametrize(
    "lambda_",
    [
        Lambda({"errorMessage": "hush"}, FunctionError="Unhandled"),
        Lambda({"errorMessage": "hush"}),
        Lambda([]),
        Lambda(None),
        BreaksOff(),
        Refusing(),
    ],
)
def test_a_login_function_that_breaks_off_is_a_failed_check(lambda_: Any) -> None:
    (failed,) = (line for line in lines(lambda_) if not line.passed)
    assert failed.name == "inside"
    assert failed.section == LOGIN
    assert "hush" not in f"{failed}"


def test_no_lines_are_no_health() -> None:
    assert document(DESIRED, [], NOW)["passed"] is False


def test_failed_checks_and_failed_logins_are_counted() -> None:
    failed = [
        Line("login: primary", False, "", "", LOGIN),
        Line("login: reader", False, "", "", LOGIN),
        Line("group: nodes", False, "", "", "health-group"),
        Line("group: Status", True, "", "", "health-group"),
    ]
    line = json.loads(published(DESIRED, failed, NOW))
    assert (line["HealthChecksFailed"], line["HealthLoginsFailed"]) == (3, 2)
    assert line["HealthCheckRan"] == 1
    assert line["failed"] == ["login: primary", "login: reader", "group: nodes"]
    assert datetime.fromtimestamp(line["_aws"]["Timestamp"] / 1000, UTC) == NOW
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert {metric["Name"] for metric in directive["Metrics"]} == {
        "HealthCheckRan",
        "HealthChecksFailed",
        "HealthLoginsFailed",
    }


@pytest.mark.parametrize(("event", "lines_of_log"), [({"scheduled": True}, 1), ({}, 0)])
def test_only_the_schedule_publishes(
    event: dict[str, bool],
    lines_of_log: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DESIRED", json.dumps(asdict(DESIRED)))
    monkeypatch.setenv("INSIDE_FUNCTION", "inside")
    made = {"lambda": Lambda(TOLD)}
    monkeypatch.setattr(handler, "client", lambda name, **_: made.get(name) or Answers())
    # The alarms' states are as old as the world: the clock is not asked for their age here.
    assert handler.handler(event, None)["group"] == "g"
    assert len(capsys.readouterr().out.splitlines()) == lines_of_log


@pytest.mark.parametrize(
    ("event", "passed_on", "key"),
    [
        ({"ask": "clients"}, {"ask": "clients"}, "answers"),
        ({"ask": "memory", "more": "CONFIG GET *"}, {"ask": "memory"}, "answers"),
        ({"ask": "CONFIG GET *"}, {}, "checks"),
    ],
)
def test_only_the_fixed_questions_are_passed_on_word_for_word(
    event: dict[str, Any], passed_on: dict[str, Any], key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = {"lambda": (inside := Lambda(TOLD))}
    monkeypatch.setenv("DESIRED", json.dumps(asdict(DESIRED)))
    monkeypatch.setenv("INSIDE_FUNCTION", "inside")
    monkeypatch.setattr(handler, "client", lambda name, **_: made.get(name) or Answers())
    assert handler.handler(event, None)[key]
    assert inside.asked == [passed_on]
