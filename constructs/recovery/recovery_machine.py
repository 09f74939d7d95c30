"""The recovery test as a state machine: what comes after what, in Amazon States Language (§4.2).

Every task is one of our functions: then each call to AWS is made in a role that allows only that,
and the rehearsal judges each. Every failure leads to the removal of the group and to the report;
every wait, retry and loop has a limit.
"""

from typing import Any

from constructs.common.idle_functions import ASK_AGAIN_SECONDS, LONGER, NOT_READY, TIMES

State = dict[str, Any]

PAUSE_SECONDS = 15
STEP_SECONDS = 60  # of a function; a task waits a little longer
GIVE_UP_AFTER_SECONDS = 60 * 60  # from the start to a group that is there
LONGEST_SECONDS = 150 * 60  # the whole, should every limit inside be used up
SWEEP_AFTER_SECONDS = 180 * 60  # above the former: what is older belongs to no running test

_TASK_SECONDS = STEP_SECONDS + 10
_ALL = ["States.ALL"]
# Lambda developer guide, "Invoking a Lambda function with Step Functions", and what our functions
# raise when AWS or Redis is not there now: Step Functions compares the class's own name.
_AGAIN = [
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
    "NotYetError",
    "UnreachableError",
]
_RETRY = [
    {
        "ErrorEquals": [f"Lambda.{code}" for code in NOT_READY],
        "IntervalSeconds": ASK_AGAIN_SECONDS,
        "MaxAttempts": TIMES,
        "BackoffRate": LONGER,
    },
    {"ErrorEquals": _AGAIN, "IntervalSeconds": 5, "MaxAttempts": 6, "BackoffRate": 1.5},
]


def definition(*, operator_arn: str, verifier_arn: str) -> State:
    """``operator_arn`` is the function that calls AWS, ``verifier_arn`` the one that logs in.

    What goes from state to state holds names, times and digests: never the token.
    """

    def step(name: str, then: str, into: str, failed: State, **given: Any) -> State:
        parameters = {
            "step": name,
            "execution.$": "$$.Execution.Name",
            "started.$": "$$.Execution.StartTime",
            **given,
        }
        return _task(operator_arn, parameters, then, into, failed)

    to_removal = _catch("failure", "Remove")
    return {
        "Comment": "Restores the newest backup into a throw-away group and verifies the data",
        "TimeoutSeconds": LONGEST_SECONDS,
        "StartAt": "Begin",
        "States": {
            # What an execution is started with is dropped: nothing of it is needed.
            "Begin": {"Type": "Pass", "Result": {"removal": {"passes": 0}}, "Next": "Choose"},
            "Choose": step("choose", "Restore", "chosen", to_removal),
            "Restore": step(
                "restore", "Pause", "restored", to_removal, **{"snapshot.$": "$.chosen.snapshot"}
            ),
            "Pause": {"Type": "Wait", "Seconds": PAUSE_SECONDS, "Next": "Look"},
            "Look": step("look", "IsThere", "found", to_removal),
            "IsThere": _choice("$.found.ready", "Verify", "Pause"),
            "Verify": _task(
                verifier_arn,
                {
                    "address.$": "$.found.address",
                    "port.$": "$.found.port",
                    "sentinels.$": "$.chosen.sentinels",
                },
                "Remove",
                "verified",
                to_removal,
            ),
            "Remove": step(
                "remove",
                "IsGone",
                "removal",
                _catch("stuck", "Report"),
                **{"passes.$": "$.removal.passes"},
            ),
            "IsGone": _choice("$.removal.gone", "Report", "PauseAgain"),
            "PauseAgain": {"Type": "Wait", "Seconds": PAUSE_SECONDS, "Next": "Remove"},
            # Without a catch: a report that cannot be sent fails the test.
            "Report": step("report", "HasPassed", "report", {}, **{"state.$": "$"}),
            "HasPassed": _choice("$.report.passed", "Passed", "Failed"),
            "Passed": {"Type": "Succeed"},
            "Failed": {
                "Type": "Fail",
                "Error": "RecoveryTestFailed",
                "Cause": "The report in the channel and the state's history say why",
            },
        },
    }


def _task(function_arn: str, parameters: State, then: str, into: str, failed: State) -> State:
    return {
        "Type": "Task",
        "Resource": function_arn,
        "Parameters": parameters,
        "ResultPath": f"$.{into}",
        "TimeoutSeconds": _TASK_SECONDS,
        "Retry": _RETRY,
        **failed,
        "Next": then,
    }


def _catch(into: str, then: str) -> State:
    return {"Catch": [{"ErrorEquals": _ALL, "ResultPath": f"$.{into}", "Next": then}]}


def _choice(variable: str, then: str, otherwise: str) -> State:
    return {
        "Type": "Choice",
        "Choices": [{"Variable": variable, "BooleanEquals": True, "Next": then}],
        "Default": otherwise,
    }
