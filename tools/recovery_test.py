"""``make recovery-test ENV=…``: start the recovery test now, follow it, and say how it ended.

The same execution as on the first Monday of a month: it restores the newest automatic snapshot into
a throw-away group, verifies it, reports to the channel and removes the group.
"""

import json
import time
from datetime import timedelta
from typing import Any

from constructs.recovery.recovery_machine import LONGEST_SECONDS
from environments.schema import Settings
from tools.command import Answer, for_environment, session

BETWEEN_LOOKS = 10.0  # seconds
UNFINISHED = "RUNNING"


def _show(settings: Settings) -> int:
    longest = timedelta(seconds=LONGEST_SECONDS)
    print(follow(settings, session(settings, longest).client("stepfunctions")))
    return 0


def follow(settings: Settings, states: Any) -> str:
    """Start an execution and wait for its end; what it measured, in one line.

    Raises Answer when it ended otherwise, and when it lasts longer than it can.
    """
    place = f"{settings.environment.region}:{settings.environment.account}"
    machine = f"arn:aws:states:{place}:stateMachine:{settings.prefix}-recovery"
    execution = states.start_execution(stateMachineArn=machine, input="{}")["executionArn"]
    print(f"started {execution}")
    for _ in range(int(LONGEST_SECONDS / BETWEEN_LOOKS) + 1):
        found = states.describe_execution(executionArn=execution)
        if found["status"] != UNFINISHED:
            return _ended(found)
        time.sleep(BETWEEN_LOOKS)
    raise Answer(
        f"recovery-test: still running after {LONGEST_SECONDS // 60} minutes, which Step Functions "
        "does not let it: look at it in the console."
    )


def _ended(found: dict[str, Any]) -> str:
    if found["status"] != "SUCCEEDED":
        raise Answer(
            f"recovery-test: {found['status']}: {found.get('cause', 'no cause is given')}. "
            "Runbook: docs/runbook.md#recovery-failed"
        )
    if not found.get("output"):
        raise Answer(
            "recovery-test: it succeeded, and Step Functions does not show what it measured. Read "
            "the report in the channel."
        )
    report = json.loads(found["output"])["report"]
    return (
        f"passed: the backup was {report['point_seconds'] / 3600:.1f} h old, the first verified "
        f"read came after {report['time_seconds'] / 60:.1f} min"
    )


main = for_environment(
    "recovery-test",
    _show,
    interrupted="an execution that has started continues; the channel gets its report.",
)
