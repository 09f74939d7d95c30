"""A function that nobody called for weeks is called again until Lambda has it ready."""

import io
import json
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.response import StreamingBody
from botocore.stub import Stubber

from constructs.common.idle_functions import NOT_READY, TIMES
from tools.command import Answer
from tools.invocation import invoke


def called(*answers: str) -> tuple[dict[str, Any], list[float]]:
    """What comes of these answers, and the pauses: each a code of an error, or "ready"."""
    client = boto3.client(
        "lambda",
        region_name="us-east-1",
        aws_access_key_id="nobody",
        aws_secret_access_key="nobody",  # noqa: S106 - it opens nothing
        config=Config(retries={"total_max_attempts": 1}),
    )
    pauses: list[float] = []
    with Stubber(client) as stub:
        for answer in answers:
            if answer == "ready":
                body = json.dumps({"title": "made"}).encode()
                payload = StreamingBody(io.BytesIO(body), len(body))
                stub.add_response("invoke", {"Payload": payload})
            else:
                stub.add_client_error("invoke", answer)
        found = invoke(client, "f", command="c", answers_with="title", pause=pauses.append)
        stub.assert_no_pending_responses()
    return found, pauses


@pytest.mark.parametrize("code", NOT_READY)
def test_it_is_called_again_until_it_is_ready(
    code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found, pauses = called(code, code, "ready")
    assert found == {"title": "made"}
    assert pauses == [20.0, 26.0]
    assert f"f wakes up ({code})" in capsys.readouterr().err


def test_one_that_is_never_ready_is_given_up_after_ten_minutes() -> None:
    with pytest.raises(Answer, match="c: Lambda does not make f ready: ENINotReadyException"):
        called(*["ENINotReadyException"] * (TIMES + 1))


@pytest.mark.parametrize("code", ["AccessDeniedException", "CodeArtifactUserFailedException"])
def test_what_waiting_does_not_cure_is_told_at_once(code: str) -> None:
    with pytest.raises(ClientError, match=code):
        called(code)
