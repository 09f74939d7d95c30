"""Every command ends with one message, and asks only the account that its environment is in."""

import re
import runpy
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError, NoCredentialsError
from moto import mock_aws

from environments.load import SettingsError
from environments.schema import Settings
from shared.errors import NotYetError
from tests.support import ROOT
from tools import (
    apply_updates,
    deploy,
    deploy_guard,
    drift,
    health,
    recovery_test,
    run_review,
    scale,
    stacks,
    unblock,
)
from tools.adopt import __main__ as adopt
from tools.change_sets import execute, prepare
from tools.change_sets.record import Record
from tools.command import Answer, ended, session
from tools.impact import __main__ as impact
from tools.preflight import __main__ as preflight
from tools.restore import __main__ as restore

ELSEWHERE = "123456789012"  # moto's account
DENIED = ClientError({"Error": {"Code": "AccessDenied", "Message": "not you"}}, "Invoke")
# What asks AWS of an environment, and its arguments after the environment's name.
COMMANDS: dict[str, tuple[Callable[[list[str]], int], tuple[str, ...]]] = {
    "deploy": (deploy_guard.main, ()),
    "drift": (drift.main, ()),
    "health": (health.main, ()),
    "recovery-test": (recovery_test.main, ()),
    "run-review": (run_review.main, ("updates",)),
    "apply-updates": (apply_updates.main, ()),
    "restore": (restore.main, ("daily",)),
    "prepare": (prepare.main, ("cdk",)),
    "execute": (execute.main, ()),
    "preflight": (preflight.main, ()),
    "stacks": (stacks.main, ()),
    "impact": (impact.main, ("deployed",)),
    "unblock": (unblock.main, ("mfa", "user=42")),
    "adopt": (adopt.main, ()),
    "make deploy": (deploy.main, ("", "1", "true")),
    "scale": (scale.main, ("cache.m6g.large", "", "", "true")),
}
PROGRAMS = [
    file
    for file in sorted((ROOT / "tools").rglob("*.py"))
    if re.search(r"^main = (command|for_environment)\(", file.read_text(), re.MULTILINE)
]
# What may take longer than temporary credentials last: AWS goes on, and it is said beforehand.
LONG = ("recovery-test", "apply-updates", "restore", "execute", "scale")
each_command = pytest.mark.parametrize("name", COMMANDS)


def stopped(reason: BaseException) -> int:
    def work() -> int:
        raise reason

    return ended(work, "it", interrupted="goes on by itself")


@pytest.mark.parametrize(
    ("reason", "status", "says"),
    [
        (Answer("the reason"), 1, "the reason"),
        (SettingsError(ROOT / "environments/a.toml", ["wrong"]), 1, "environments/a.toml: wrong"),
        (NoCredentialsError(), 1, "it: Unable to locate credentials. Goes on by itself"),
        (NotYetError("not now"), 1, "it: not now. Goes on"),
        (DENIED, 1, "it: An error occurred (AccessDenied)"),
        (KeyboardInterrupt(), 130, "it: goes on by itself"),
        (EOFError("EOF when reading a line"), 130, "it: goes on by itself"),
    ],
)
def test_a_command_that_stops_says_one_thing_and_has_a_status(
    reason: BaseException, status: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert stopped(reason) == status
    assert capsys.readouterr().err.strip().startswith(says)


def test_a_fault_of_the_command_itself_is_one_line_and_a_file_without_a_secret(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tools.command.FAULT", tmp_path / "fault.txt")
    assert stopped(KeyError("the token hunter2")) == 1
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith("it: KeyError in test_command.py:")
    assert "fault.txt to a report" in said
    written = (tmp_path / "fault.txt").read_text()
    assert "test_command.py" in written
    assert "hunter2" not in said + written


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Credentials of an account that production is not in."""
    soon = datetime.now(UTC) + timedelta(minutes=10, seconds=30)
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
    monkeypatch.setenv("AWS_CREDENTIAL_EXPIRATION", soon.isoformat())
    monkeypatch.setattr("tools.change_sets.record.load", lambda name: Record(name, ()))
    monkeypatch.setattr("tools.preflight.__main__.ASSEMBLY", ROOT)
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
@each_command
def test_no_command_takes_another_account_for_an_empty_one(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    command, more = COMMANDS[name]
    assert command(["production", *more]) in (1, 2)
    output = capsys.readouterr().err
    assert f"credentials are for account {ELSEWHERE}" in output
    assert "production is in 111122223333" in output
    ends = "The credentials end in 10 minutes, and this may take"
    assert (ends in output) is (name in LONG)


@each_command
def test_without_credentials_that_is_what_a_command_says_and_nothing_has_begun(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(variable, raising=False)
    for variable in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(variable, "/nowhere")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setattr("tools.change_sets.record.load", lambda name: Record(name, ()))
    command, more = COMMANDS[name]
    assert command(["production", *more]) in (1, 2)
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith(
        "Unable to locate credentials. Nothing of production was read or changed"
    )


def test_without_a_network_no_other_credentials_are_advised(
    production: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(Answer, match=r"Could not connect to .* again when this machine reaches"):
        session(production)


@each_command
def test_an_environment_that_is_not_there_is_one_message(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    command, more = COMMANDS[name]
    assert command(["nowhere", *more]) in (1, 2)
    output = capsys.readouterr().err
    assert "there is no such environment" in output
    assert "development, production, staging" in output


@each_command
def test_without_an_environment_a_command_says_how_it_is_called(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    command, _ = COMMANDS[name]
    with suppress(SystemExit):  # argparse's, with status 2
        assert command([]) == 2
    assert "environment" in capsys.readouterr().err


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda file: f"{file.relative_to(ROOT)}")
def test_the_module_of_a_command_is_a_program(
    program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(PROGRAMS) >= len(COMMANDS)
    monkeypatch.setattr("sys.argv", [str(program)])
    with pytest.raises(SystemExit) as left:
        runpy.run_path(str(program), run_name="__main__")
    assert left.value.code == 2
