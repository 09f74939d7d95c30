"""What drift is looked for in; on a rehearsal it is found by tests/rehearsal."""

import boto3
import pytest
from botocore.stub import Stubber

from tools import drift


def test_an_environment_that_is_not_deployed_is_one_message(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    aws = boto3.Session("key", "word", region_name="us-east-1")
    client = aws.client("cloudformation")
    monkeypatch.setattr(aws, "client", lambda _: client)
    monkeypatch.setattr(drift, "session", lambda _: aws)
    with Stubber(client) as stubbed:
        stubbed.add_client_error("get_template", "ValidationError", "it does not exist")
        assert drift.main(["staging"]) == 1
    told = capsys.readouterr().err
    assert told.startswith("drift: ")
    assert "vibewell-redis-staging-data" in told
    assert "Is it deployed?" in told
    assert "Traceback" not in told
