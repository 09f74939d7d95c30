"""The recovery test started by hand: what the terminal shows, and the exit status."""

import json

import pytest

from tests.tools.account import Case, Run
from tools import recovery_test

START, LOOK = "stepfunctions:StartExecution", "stepfunctions:DescribeExecution"
REPORT = {"report": {"passed": True, "point_seconds": 25_200, "time_seconds": 738}}


@pytest.mark.parametrize(
    ("last", "status", "says"),
    [
        (
            {"status": "SUCCEEDED", "output": json.dumps(REPORT)},
            0,
            "passed: the backup was 7.0 h old, the first verified read came after 12.3 min",
        ),
        ({"status": "SUCCEEDED"}, 1, "Step Functions does not show what it measured"),
        *(
            ({"status": status, "cause": "the report says"}, 1, f"{status}: the report says. Runb")
            for status in ("FAILED", "TIMED_OUT", "ABORTED")
        ),
        ({"status": "FAILED"}, 1, "FAILED: no cause is given. Runbook: docs/runbook.md#recovery"),
        ({"status": "RUNNING"}, 1, "still running after 150 minutes"),
    ],
)
def test_the_end_of_the_execution_is_the_end_of_the_command(
    last: dict[str, str], status: int, says: str, run: Run
) -> None:
    answers = {START: {"executionArn": "arn"}, LOOK: [{"status": "RUNNING"}, last]}
    ended = run(Case(recovery_test.main, "production", "", answers))
    assert ended.status == status
    assert says in ended.said
    machine = "us-east-1:111122223333:stateMachine:vibewell-redis-production-recovery"
    assert ended.request(START) == {"stateMachineArn": f"arn:aws:states:{machine}", "input": "{}"}
    assert last["status"] != "RUNNING" or sum(ended.slept) >= 150 * 60
