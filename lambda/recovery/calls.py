"""Calls of the AWS API whose failures carry the error's code and words of ours, nothing else.

botocore's own messages are not passed on: a ParamValidationError repeats the values that it was
given, the token among them, and what a function raises stands in the state machine's history.
"""

from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from recovery.errors import BusyError, RecoveryError, RefusedError

# Busy or throttled, by botocore's service models and its list of throttling codes.
TRANSIENT = frozenset(
    {
        "InternalFailure",
        "InternalServiceError",
        "InvalidReplicationGroupState",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestTimeout",
        "ServiceUnavailable",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)


def ask(operation: Callable[..., Any], doing: str, **parameters: Any) -> Any:
    """The answer of one call; ``doing`` completes "AWS refused to ...".

    Raises BusyError if AWS is busy, throttles or does not answer, else RefusedError.
    """
    problem: RecoveryError
    try:
        return operation(**parameters)
    except ClientError as failure:
        problem = _of_answer(failure, doing)
    except ParamValidationError:
        problem = RefusedError(doing, "ParamValidation")
    except BotoCoreError as failure:
        problem = BusyError(f"AWS gave no answer to {doing}: {type(failure).__name__}")
    # Outside of the handlers, so that not even __context__ leads to botocore's message.
    raise problem


def _of_answer(failure: ClientError, doing: str) -> RecoveryError:
    code = str(failure.response["Error"].get("Code", "unknown"))
    status = failure.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)
    if code in TRANSIENT or status >= 500:
        return BusyError(f"AWS could not {doing} now: {code}")
    return RefusedError(doing, code)
