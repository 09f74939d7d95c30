"""Calls of the AWS API whose failures carry the error's code and words of ours, nothing else.

botocore's own messages are not passed on: a ParamValidationError repeats the values that it was
given, and an answer of the service may do so.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from shared.errors import AwsRefusedError, NotYetError, StoppedError

# What botocore itself tries again (botocore.retries.standard, whose lists have private names),
# except LimitExceededException: in what is called here it is a quota, which no waiting frees. And
# what is busy, by botocore's service models.
_TRANSIENT = re.compile(
    "BandwidthLimit|PriorRequest|ProvisionedThroughput|RequestLimit|RequestTimeout|SlowDown|Throttl"
    "|TooManyRequests|TransactionInProgress|InternalFailure|InternalServiceError|ServiceUnavailable"
    "|Invalid(CacheCluster|ReplicationGroup|Snapshot|User|UserGroup)State"
)
# Parameters that a message may show: what a call is about, and never a value.
_WHICH = ("RoleName", "StackName", "FunctionName", "CacheClusterId", "Bucket")
# What the services call the next page, in answers and in requests alike.
_NEXT_PAGE = ("Marker", "NextToken", "nextToken")


def ask(operation: Callable[..., Any], **parameters: Any) -> Any:
    """The answer of one call of the API.

    Raises NotYetError if AWS is busy, throttles or does not answer, else AwsRefusedError.
    """
    problem: StoppedError
    name = _name(operation, parameters)
    try:
        return operation(**parameters)
    except ClientError as failure:
        problem = _of_answer(failure, name)
    except ParamValidationError:
        problem = AwsRefusedError(name, "ParamValidation")
    except BotoCoreError as failure:
        problem = NotYetError(f"no answer to {name}: {type(failure).__name__}")
    # Outside of the handlers, so that not even __context__ leads to botocore's message.
    raise problem


def every(operation: Callable[..., Any], items: str, **parameters: Any) -> Iterator[Any]:
    """The ``items`` of all pages of a listing, asked for as they are needed.

    An answer without them lists none. Raises what ``ask`` raises.
    """
    page: dict[str, Any] = {}
    while True:
        answer = ask(operation, **parameters, **page)
        yield from answer.get(items) or ()
        page = {name: answer[name] for name in _NEXT_PAGE if answer.get(name)}
        if not page:
            return


def _name(operation: Callable[..., Any], parameters: Mapping[str, Any]) -> str:
    """As policies and CloudTrail have it: DescribeUsers for describe_users; and of which."""
    of = next((f" of {parameters[one]}" for one in _WHICH if one in parameters), "")
    return operation.__name__.title().replace("_", "") + of


def _of_answer(failure: ClientError, operation: str) -> StoppedError:
    code = str(failure.response["Error"].get("Code", "unknown"))
    status = failure.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)
    if _TRANSIENT.search(code) or status >= 500:
        return NotYetError(f"{operation} is not possible now: {code}")
    return AwsRefusedError(operation, code)
