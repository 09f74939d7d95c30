"""The document, what is published, and what becomes of a call that AWS refuses."""

import io
import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from health import handler
from health.handler import check, document, published
from health.probe import LOGIN
from shared.line import Line
from tests.lambda_health.world import DESIRED, NOW, TOPIC, healthy
from tests.support import Answering, Refusing

pytestmark = pytest.mark.plan("2.4")

TOLD = [asdict(Line("login: primary", True, "open", "open", LOGIN))]


def inside(lines: object, **fields: str) -> Answering:
    """The function within the VPC, which answers this."""
    return Answering(invoke={"Payload": io.BytesIO(json.dumps(lines).encode()), **fields})


def breaking_off() -> Answering:
    """Its answer begins and does not end."""

    def read() -> bytes:
        raise ReadTimeoutError(endpoint_url="hush")

    return Answering(invoke={"Payload": SimpleNamespace(read=read)})


def lines(function: Any = None, aws: Any = None) -> list[Line]:
    clients = {"lambda": function or inside(TOLD)}
    others = aws or healthy()
    return list(check(DESIRED, lambda name: clients.get(name) or others, "inside", NOW))


def test_a_healthy_deployment_passes_with_a_line_a_check_and_only_its_own_is_asked_for() -> None:
    aws, function = healthy(), inside(TOLD)
    found = document(DESIRED, lines(function, aws), NOW)
    assert (found["passed"], found["group"], found["time"]) == (True, "g", NOW.isoformat())
    assert {"group: Status", "parameter timeout", "login: primary"} <= {
        check["name"] for check in found["checks"]
    }
    for one in found["checks"]:
        assert one["todo"].startswith("https://example.com/runbook.md#health-")
    assert function.asked == [("invoke", {"FunctionName": "inside", "Payload": b"{}"})]
    assert dict(aws.asked) == {
        "describe_replication_groups": {"ReplicationGroupId": "g"},
        "describe_cache_clusters": {"CacheClusterId": "g-002"},
        "describe_users": {"UserId": "g-default"},
        "describe_user_groups": {"UserGroupId": "g-users"},
        "describe_cache_parameters": {"CacheParameterGroupName": "params", "Marker": "1"},
        "describe_alarms": {"AlarmNamePrefix": "p-", "NextToken": "2"},
        "list_subscriptions_by_topic": {"TopicArn": TOPIC, "NextToken": "1"},
    }


def test_what_aws_refuses_to_say_fails_and_the_rest_is_checked() -> None:
    found = document(DESIRED, lines(aws=Refusing()), NOW)
    failed = {one["name"]: one["todo"] for one in found["checks"] if not one["passed"]}
    checks = ("group", "user", "parameters", "alarms", "topics")
    assert failed == {name: f"{DESIRED.runbook}#health-{name}" for name in checks}
    assert found["passed"] is False
    assert "hush" not in json.dumps(found)


@pytest.mark.parametrize(
    "function",
    [
        inside(TOLD, FunctionError="Unhandled"),
        inside({"errorMessage": "hush"}),
        inside([]),
        inside(None),
        breaking_off(),
        Refusing(),
    ],
)
def test_a_login_function_that_breaks_off_is_a_failed_check(function: Any) -> None:
    (failed,) = (line for line in lines(function) if not line.passed)
    assert (failed.name, failed.section) == ("inside", LOGIN)
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
    figures = {"HealthCheckRan": 1, "HealthChecksFailed": 3, "HealthLoginsFailed": 2}
    line = json.loads(published(DESIRED, failed, NOW))
    assert line["failed"] == ["login: primary", "login: reader", "group: nodes"]
    assert line["ReplicationGroup"] == "g"
    assert datetime.fromtimestamp(line["_aws"]["Timestamp"] / 1000, UTC) == NOW
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert {metric["Name"]: line[metric["Name"]] for metric in directive["Metrics"]} == figures


Invoke = Callable[[dict[str, Any]], tuple[dict[str, Any], Any]]


@pytest.fixture
def invoke(monkeypatch: pytest.MonkeyPatch) -> Invoke:
    """What the handler answers to an event, and what it passes on to the function within."""
    clients = {"lambda": inside(TOLD)}
    monkeypatch.setenv("DESIRED", json.dumps(asdict(DESIRED)))
    monkeypatch.setenv("INSIDE_FUNCTION", "inside")
    monkeypatch.setattr(handler, "client", lambda name, **_: clients.get(name) or healthy())

    def run(event: dict[str, Any]) -> tuple[dict[str, Any], Any]:
        answer = handler.handler(event, None)
        ((_, asked),) = clients["lambda"].asked
        return answer, json.loads(asked["Payload"])

    return run


@pytest.mark.parametrize(("event", "lines_of_log"), [({"scheduled": True}, 1), ({}, 0)])
def test_only_the_schedule_publishes(
    event: dict[str, bool], lines_of_log: int, invoke: Invoke, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(event)[0]["group"] == "g"
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
    event: dict[str, Any], passed_on: dict[str, Any], key: str, invoke: Invoke
) -> None:
    answer, asked = invoke(event)
    assert answer[key]
    assert asked == passed_on
