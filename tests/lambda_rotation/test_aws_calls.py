import traceback
from typing import NoReturn

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ParamValidationError
from botocore.retries.standard import ThrottledRetryableChecker, TransientRetryableChecker

from shared.aws_calls import ask
from shared.errors import AwsRefusedError, NotYetError, StoppedError

TOKEN = "T" * 64
QUOTA = "LimitExceededException"
RETRIED = {  # private there, and with every version of botocore the latest
    *ThrottledRetryableChecker._THROTTLED_ERROR_CODES,  # noqa: SLF001
    *TransientRetryableChecker._TRANSIENT_ERROR_CODES,  # noqa: SLF001
}


def refusal(code: str, status: int = 400) -> ClientError:
    answer = {
        "Error": {"Code": code, "Message": f"{TOKEN} is wrong"},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(answer, "ModifyUser")


def problem(failure: Exception) -> StoppedError:
    def operation(**_: str) -> NoReturn:
        raise failure

    with pytest.raises(StoppedError) as raised:
        ask(operation, "replace the user's passwords", Passwords=[TOKEN])
    return raised.value


def test_an_answer_is_handed_on() -> None:
    assert ask(lambda **given: given, "describe the secret", SecretId="s") == {"SecretId": "s"}


@pytest.mark.parametrize(
    "failure",
    [
        *map(refusal, sorted(RETRIED - {QUOTA})),
        *map(refusal, ("InvalidReplicationGroupState", "InvalidUserState")),
        *(refusal("Whatever", status) for status in (500, 503)),
        EndpointConnectionError(endpoint_url="https://elasticache"),
    ],
    ids=str,
)
def test_what_passes_by_itself_and_what_botocore_tries_again_is_waited_for(
    failure: Exception,
) -> None:
    assert isinstance(problem(failure), NotYetError)


@pytest.mark.parametrize(
    "code", [QUOTA, "AccessDeniedException", "InvalidParameterValue", "NoSuch"]
)
def test_what_does_not_pass_is_a_refusal_with_its_code(code: str) -> None:
    found = problem(refusal(code))
    assert isinstance(found, AwsRefusedError)
    assert found.code == code
    assert str(found) == f"AWS refused to replace the user's passwords: {code}"


@pytest.mark.parametrize(
    "failure", [refusal("AccessDenied"), ParamValidationError(report=f"{TOKEN} is too short")]
)
def test_no_message_and_nothing_behind_it_repeats_what_was_sent(failure: Exception) -> None:
    assert TOKEN in str(failure)
    found = problem(failure)
    assert TOKEN not in "".join(traceback.format_exception(found))
    assert found.__context__ is None
    assert found.__cause__ is None
