"""Every command ends with one message, and asks only the account that its environment is in."""

from collections.abc import Callable, Iterator

import boto3
import pytest
from botocore.exceptions import ClientError, NoCredentialsError
from moto import mock_aws

from environments.load import SettingsError
from environments.schema import Settings
from tests.support import ROOT
from tools import apply_updates, deploy_guard, health, recovery_test, run_review
from tools.change_sets import execute, prepare
from tools.change_sets.record import Record
from tools.command import Answer, ended, session
from tools.restore import __main__ as restore

ELSEWHERE = "123456789012"  # moto's account
DENIED = ClientError({"Error": {"Code": "AccessDenied", "Message": "not you"}}, "Invoke")


def stopped(reason: BaseException) -> int:
    def work() -> int:
        raise reason

    return ended(work, failed="it: AWS refused", interrupted="it: goes on by itself")


@pytest.mark.parametrize(
    ("reason", "status", "says"),
    [
        (Answer("the reason"), 1, "the reason"),
        (SettingsError(ROOT / "environments/a.toml", ["wrong"]), 1, "environments/a.toml: wrong"),
        (NoCredentialsError(), 1, "it: AWS refused: Unable to locate credentials"),
        (DENIED, 1, "it: AWS refused: An error occurred (AccessDenied)"),
        (KeyboardInterrupt(), 130, "it: goes on by itself"),
    ],
)
def test_a_command_that_stops_says_one_thing_and_has_a_status(
    reason: BaseException, status: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert stopped(reason) == status
    assert capsys.readouterr().err.strip().startswith(says)


def test_a_fault_of_the_command_itself_is_not_hidden() -> None:
    with pytest.raises(KeyError):
        stopped(KeyError("a fault"))


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Credentials of an account that production is not in."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "nobody")
    with mock_aws():
        yield


@pytest.mark.usefixtures("elsewhere")
def test_credentials_of_the_environments_account_are_taken(production: Settings) -> None:
    environment = production.environment.model_copy(update={"account": ELSEWHERE})
    made = session(production.model_copy(update={"environment": environment}))
    assert isinstance(made, boto3.Session)
    assert made.region_name == "us-east-1"


@pytest.mark.plan("2.4")
@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize(
    "command",
    [
        pytest.param(lambda: deploy_guard.main("production"), id="deploy"),
        pytest.param(lambda: health.main(["production"]), id="health"),
        pytest.param(lambda: recovery_test.main("production"), id="recovery-test"),
        pytest.param(lambda: run_review.main(["production", "updates"]), id="run-review"),
        pytest.param(lambda: apply_updates.main(["production"]), id="apply-updates"),
        pytest.param(lambda: restore.main(["production", "daily"]), id="restore"),
        pytest.param(lambda: prepare.main(["production", "cdk"]), id="prepare"),
        pytest.param(lambda: execute.main(["production"]), id="execute"),
    ],
)
def test_no_command_takes_another_account_for_an_empty_one(
    command: Callable[[], int],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tools.change_sets.record.load", lambda name: Record(name, ()))
    assert command() == 1
    told = capsys.readouterr().err
    assert f"credentials are for account {ELSEWHERE}" in told
    assert "production is in 111122223333" in told
