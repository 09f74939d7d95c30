"""What drift is looked for in; on a rehearsal it is found by tests/rehearsal."""

import boto3
import pytest
from botocore.stub import Stubber

from tools import drift


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [([], 2, "name one environment"), (["nowhere"], 1, "there is no such environment")],
)
def test_a_name_that_is_missing_or_unknown_is_one_message(
    arguments: list[str], status: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert drift.main(arguments) == status
    assert says in capsys.readouterr().err


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
