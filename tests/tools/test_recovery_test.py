"""The recovery test started by hand: what the terminal shows, and the exit status."""

import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from environments.schema import Settings
from tools.command import Answer
from tools.recovery_test import follow

EXECUTION = "arn:aws:states:us-east-1:111122223333:execution:vibewell-redis-production-recovery:one"
MACHINE = "arn:aws:states:us-east-1:111122223333:stateMachine:vibewell-redis-production-recovery"

Follow = Callable[..., str]


@pytest.fixture
def following(production: Settings, monkeypatch: pytest.MonkeyPatch) -> Follow:
    """Follow an execution that has each of these statuses in turn."""

    monkeypatch.setattr("time.sleep", lambda _: None)

    def run(*statuses: str, **last: str) -> str:
        states = boto3.client("stepfunctions", region_name="us-east-1")
        with Stubber(states) as stub:
            started = {"executionArn": EXECUTION, "startDate": 0}
            given = {"stateMachineArn": MACHINE, "input": "{}"}
            stub.add_response("start_execution", started, given)
            for status in statuses:
                answer: dict[str, Any] = {
                    "executionArn": EXECUTION,
                    "stateMachineArn": MACHINE,
                    "startDate": 0,
                    "status": status,
                }
                stub.add_response("describe_execution", answer | last)
            return follow(production, states)

    return run


def test_a_test_that_passes_says_what_it_measured(following: Follow) -> None:
    report = {"report": {"passed": True, "point_seconds": 25_200, "time_seconds": 738}}
    said = following("RUNNING", "RUNNING", "SUCCEEDED", output=json.dumps(report))
    assert said == "passed: the backup was 7.0 h old, the first verified read came after 12.3 min"


def test_one_that_passes_without_its_figures_says_so(following: Follow) -> None:
    with pytest.raises(Answer, match="Step Functions does not show what it measured"):
        following("SUCCEEDED")


@pytest.mark.parametrize("status", ["FAILED", "TIMED_OUT", "ABORTED"])
def test_one_that_does_not_says_why_and_where_to_read(following: Follow, status: str) -> None:
    with pytest.raises(Answer, match=f"{status}: the report says.*#recovery-failed"):
        following("RUNNING", status, cause="the report says")


def test_one_that_never_ends_is_not_followed_for_ever(following: Follow) -> None:
    with pytest.raises(Answer, match="still running after 150 minutes"):
        following(*["RUNNING"] * 901)
